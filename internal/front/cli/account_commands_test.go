package cli

var accountCommands = []command{
	{
		line: `account ls`,
		calls: `
accounts
`,
		text: `
NAME  ID                                                    PASSWORDS
ann   ANN  0          this home's own
bob   BOB  2          a device kept here
`,
		json: `
{"member":"ANN","device":"LAPTOP","name":"ann","own":true,"passwords":0}
{"member":"BOB","device":"TOWER","name":"bob","passwords":2}
`,
	},
	{
		line: `account add zoe --invite moot://link`,
		calls: `
add account zoe "moot://link"
add password "BOB"
`,
		text: `
name:     zoe
password: pass-word
`,
		json: `
{"name":"zoe","password":"pass-word"}
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
add password ""
`,
		text: `
name:     ann
password: pass-word
`,
		json: `
{"name":"ann","password":"pass-word"}
`,
	},
	{
		line: `account password zoe`,
		calls: `
add password "zoe"
`,
		text: `
name:     zoe
password: pass-word
`,
		json: `
{"name":"zoe","password":"pass-word"}
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
}
