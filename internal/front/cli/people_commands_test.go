package cli

var peopleCommands = []command{
	{
		line: `members`,
		calls: `

`,
		text: `
NAME  ROLE         KEY
ann   owner (you)  ANN
bob   member       BOB
cyd   revoked      CYD
`,
		json: `
{"key":"ANN","name":"ann","role":"owner","joined":0}
{"key":"BOB","name":"bob","role":"member","joined":0}
{"key":"CYD","name":"cyd","role":"","joined":0,"revoked":true}
`,
	},
	{
		line: `invite --role guest --uses 3 --expires 7d --server-only`,
		calls: `
invite {Role:guest Uses:3 Expires:168h0m0s ServersOnly:true PeersOnly:false}
`,
		text: `
moot://link
`,
		json: `
{"link":"moot://link","role":"guest","expires":"2026-01-09T03:04:05Z"}
`,
	},
	{
		line: `rename anna`,
		calls: `
rename anna
member ANN
`,
		text: `
you are called ANN now
`,
		json: `
{"member":"ANN","name":"ANN"}
`,
	},
	{
		line: `role bob admin`,
		calls: `
role bob admin
`,
		text: `
bob is now admin
`,
		json: `
{"key":"BOB","name":"bob","role":"admin","joined":0}
`,
	},
	{
		line: `revoke bob`,
		calls: `
revoke bob
`,
		text: `
revoked bob (BOB)
`,
		json: `
{"key":"BOB","name":"bob","role":"","joined":0,"revoked":true}
`,
	},
	{
		line: `policy`,
		calls: `
preferences
`,
		text: `
serves    all names
to        members
sends     no limit
receives  no limit
holds     messages for others: 2 copies, at most 1 GiB, for 30 days
keeps     own messages for ever
reading   authors get receipts
`,
		json: `
{}
`,
	},
	{
		line: `policy --deny bob --rate 2M --names p/,q/ --carry-copies 3 --carry-bytes 1G --carry-days 9 --keep-trash-days 5 --hide-reading`,
		calls: `
preferences
member bob
set {"deny":["BOB"],"names":["p/","q/"],"upload_rate":2097152,"carry_copies":3,"carry_bytes":1073741824,"carry_days":9,"hide_reading":true,"keep_trash_days":5}
`,
		text: `
serves    names below p/, q/
to        members but not bob
sends     at most 2.0 MiB/s
receives  no limit
holds     messages for others: 3 copies, at most 1.0 GiB, for 9 days
keeps     own messages for ever, Junk for ever, Trash 5 days
reading   authors get no receipts
`,
		json: `
{"deny":["BOB"],"names":["p/","q/"],"upload_rate":2097152,"carry_copies":3,"carry_bytes":1073741824,"carry_days":9,"hide_reading":true,"keep_trash_days":5}
`,
	},
	{
		line: `policy --carry-copies -1 --keep-mail-days 4 --keep-junk-days 3`,
		calls: `
preferences
set {"carry_copies":-1,"keep_junk_days":3,"keep_mail_days":4}
`,
		text: `
serves    all names
to        members
sends     no limit
receives  no limit
holds     no messages for others
keeps     own messages 4 days, Junk 3 days, Trash for ever
reading   authors get receipts
`,
		json: `
{"carry_copies":-1,"keep_junk_days":3,"keep_mail_days":4}
`,
	},
	{
		line: `token add ci --read-only --expires 30d`,
		calls: `
add token {Name:ci ReadOnly:true Expires:720h0m0s}
`,
		text: `
moot_secret
`,
		json: `
{"name":"ci","token":"moot_secret","made":"2026-01-02T03:04:05Z"}
`,
	},
	{
		line: `token ls`,
		calls: `
tokens
`,
		text: `
NAME  MAY             MADE        EXPIRES     USED
ci    read and write  2026-01-02  never       never
dash  read            2026-01-02  2026-01-04  2026-01-02
`,
		json: `
{"name":"ci","made":"2026-01-02T03:04:05Z"}
{"name":"dash","read_only":true,"made":"2026-01-02T03:04:05Z","expires":"2026-01-04T03:04:05Z","used":"2026-01-02T03:04:05Z"}
`,
	},
	{
		line: `token rm ci`,
		calls: `
remove token ci
`,
		text: `
removed ci
`,
		json: `
{"removed":"ci"}
`,
	},
	{
		line: `account ls`,
		calls: `
accounts
`,
		text: `
NAME  KEY                                                   PASSWORDS
ann   ANN  0          this home's own
bob   BOB  2          its key is kept here
`,
		json: `
{"member":"ANN","name":"ann","own":true,"passwords":0}
{"member":"BOB","name":"bob","passwords":2}
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
	{
		line: `offer`,
		calls: `
offers
`,
		text: `
WHO  CPUS  MEMORY     HOURS        TO
ann  2     512.0 MiB  always       bob
bob  4     1.0 GiB    22:00-06:00  all  server
`,
		json: `
{"member":"ANN","cpus":2,"to":["BOB"]}
{"member":"BOB","cpus":4,"memory":1073741824,"hours":"22:00-06:00","server":true}
`,
	},
	{
		line: `offer --cpus 2 --memory 512M --hours 22:00-06:00 --to bob --time 2h --disk 1G`,
		calls: `
preferences
member bob
set {"lend_cpus":2,"lend_memory":536870912,"lend_wall":7200,"lend_disk":1073741824,"lend_hours":"22:00-06:00","lend_to":["BOB"]}
offers
`,
		text: `
WHO  CPUS  MEMORY     HOURS        TO
ann  2     512.0 MiB  always       bob
bob  4     1.0 GiB    22:00-06:00  all  server
`,
		json: `
{"member":"ANN","cpus":2,"to":["BOB"]}
{"member":"BOB","cpus":4,"memory":1073741824,"hours":"22:00-06:00","server":true}
`,
	},
	{
		line: `offer --cpus 0`,
		calls: `
preferences
set {"lend_cpus":-1}
offers
`,
		text: `
WHO  CPUS  MEMORY     HOURS        TO
ann  2     512.0 MiB  always       bob
bob  4     1.0 GiB    22:00-06:00  all  server
`,
		json: `
{"member":"ANN","cpus":2,"to":["BOB"]}
{"member":"BOB","cpus":4,"memory":1073741824,"hours":"22:00-06:00","server":true}
`,
	},
}
