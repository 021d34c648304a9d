package cli

var accountCommands = []command{
	{
		line: `account ls`,
		calls: `
accounts
`,
		text: `
NAME  ADDRESS              SIZE     PASSWORDS  LAST LOGIN
ann   ann@friends.example  0 B      0          never       this home's own
bob   bob@friends.example  2.0 KiB  2          2026-01-02  a device kept here
`,
		json: `
{"member":"ANN","device":"LAPTOP","name":"ann","address":"ann@friends.example","login":"ann","own":true,"passwords":0}
{"member":"BOB","device":"TOWER","name":"bob","address":"bob@friends.example","login":"bob@friends.example","passwords":2,"last_login":"2026-01-02T00:00:00Z","bytes":2048}
`,
	},
	{
		line: `account add zoe --invite moot://link`,
		calls: `
add account zoe "moot://link"
settings
accounts
add password "BOB"
`,
		text: `
name:     bob
address:  bob@friends.example
login:    bob@friends.example
password: pass-word
incoming: IMAP server mx.friends.example, port 993, TLS
outgoing: SMTP server mx.friends.example, port 587, STARTTLS
The server's certificate is its own: a mail program asks whether to trust it. SHA-256 of it:
  c0ffee
Mail programs set themselves up from the address.
`,
		json: `
{"name":"bob","address":"bob@friends.example","login":"bob@friends.example","password":"pass-word","domain":"friends.example","services":[{"protocol":"imap","host":"mx.friends.example","port":993,"security":"tls"},{"protocol":"submission","host":"mx.friends.example","port":587,"security":"starttls"}],"certificate":"c0ffee","autoconfig":443}
`,
	},
	{
		line: `account enable`,
		calls: `
enable {Password:}
`,
		text: `
server:   https://a:1
name:     ann
password: pass-word
`,
		json: `
{"member":"ANN","device":"baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","name":"ann","passwords":1,"password":"pass-word","server":"https://a:1"}
`,
	},
	{
		line: `account enable --password-stdin`,
		calls: `
enable {Password:typed}
`,
		text: `
server:   https://a:1
name:     ann
`,
		json: `
{"member":"ANN","device":"baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","name":"ann","passwords":1,"server":"https://a:1"}
`,
	},
	{
		line: `account rm zoe`,
		calls: `
remove account zoe only=false
`,
		text: `
removed zoe
`,
		json: `
{"removed":"zoe"}
`,
	},
	{
		line: `account password zoe --password-stdin`,
		calls: `
set password "zoe" "typed"
`,
		text: `
zoe has the password that you chose
`,
		json: `
{"name":"zoe"}
`,
	},
	{
		line: `account password`,
		calls: `
settings
accounts
add password ""
`,
		text: `
name:     ann
address:  ann@friends.example
login:    ann
password: pass-word
incoming: IMAP server mx.friends.example, port 993, TLS
outgoing: SMTP server mx.friends.example, port 587, STARTTLS
The server's certificate is its own: a mail program asks whether to trust it. SHA-256 of it:
  c0ffee
Mail programs set themselves up from the address.
`,
		json: `
{"name":"ann","address":"ann@friends.example","login":"ann","password":"pass-word","domain":"friends.example","services":[{"protocol":"imap","host":"mx.friends.example","port":993,"security":"tls"},{"protocol":"submission","host":"mx.friends.example","port":587,"security":"starttls"}],"certificate":"c0ffee","autoconfig":443}
`,
	},
	{
		line: `account password zoe`,
		calls: `
settings
accounts
add password "zoe"
`,
		text: `
name:     zoe
password: pass-word
incoming: IMAP server mx.friends.example, port 993, TLS
outgoing: SMTP server mx.friends.example, port 587, STARTTLS
The server's certificate is its own: a mail program asks whether to trust it. SHA-256 of it:
  c0ffee
Mail programs set themselves up from the address.
`,
		json: `
{"name":"zoe","password":"pass-word","domain":"friends.example","services":[{"protocol":"imap","host":"mx.friends.example","port":993,"security":"tls"},{"protocol":"submission","host":"mx.friends.example","port":587,"security":"starttls"}],"certificate":"c0ffee","autoconfig":443}
`,
	},
	{
		line: `account password zoe --drop`,
		calls: `
drop passwords "zoe"
`,
		text: `
all passwords of zoe are void
`,
		json: `
{"name":"zoe","passwords":0}
`,
	},
	{
		line: `account dns`,
		calls: `
records
`,
		text: `
friends.example. MX 10 a.
two
`,
		json: `
{"record":"friends.example. MX 10 a."}
{"record":"two"}
`,
	},
	{
		line: `account import testdata/old.mbox --account bob`,
		calls: `
mail of "bob"
folders
save old [\Seen]
`,
		text: `
imported 1 messages
`,
		json: `
{"damaged":0,"imported":1,"known":0}
`,
	},
}
