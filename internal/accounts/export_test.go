package accounts

// Cheap makes passwords that are chosen from now on cost little.
func (a *Accounts) Cheap() { a.passwords.cost = cost{Passes: 1, Memory: 64, Threads: 1} }
