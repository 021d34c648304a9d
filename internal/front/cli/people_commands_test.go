package cli

var peopleCommands = []command{
	{
		line: `members -l`,
		calls: `

`,
		text: `
NAME        ROLE            DEVICES  ID
ann         owner (you)     2        ANN
  laptop    this device              LAPTOP
  phone     FORKED                   PHONE
bob         member          1        BOB
  ayaaaaaa  -                        TOWER
cyd         revoked         0        CYD
dan~aeaa    guest, waiting  1        NOBODY
  box       waiting                  NOBODY
`,
		json: `
{"id":"ANN","name":"ann","role":"owner","founder":true,"joined":0,"devices":[{"key":"LAPTOP","name":"laptop","member":"ANN"},{"key":"PHONE","name":"phone","member":"ANN","forked":true}]}
{"id":"BOB","name":"bob","role":"member","joined":0,"devices":[{"key":"TOWER","member":"BOB"}]}
{"id":"CYD","name":"cyd","role":"","joined":0,"revoked":true}
{"id":"NOBODY","name":"dan~aeaa","role":"guest","joined":0,"waiting":true,"devices":[{"key":"NOBODY","name":"box","member":"NOBODY","waiting":true}]}
`,
	},
	{
		line: `members`,
		calls: `

`,
		text: `
NAME      ROLE            DEVICES  ID
ann       owner (you)     2        ANN
bob       member          1        BOB
cyd       revoked         0        CYD
dan~aeaa  guest, waiting  1        NOBODY
`,
		json: `
{"id":"ANN","name":"ann","role":"owner","founder":true,"joined":0,"devices":[{"key":"LAPTOP","name":"laptop","member":"ANN"},{"key":"PHONE","name":"phone","member":"ANN","forked":true}]}
{"id":"BOB","name":"bob","role":"member","joined":0,"devices":[{"key":"TOWER","member":"BOB"}]}
{"id":"CYD","name":"cyd","role":"","joined":0,"revoked":true}
{"id":"NOBODY","name":"dan~aeaa","role":"guest","joined":0,"waiting":true,"devices":[{"key":"NOBODY","name":"box","member":"NOBODY","waiting":true}]}
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
{"id":"aa00","link":"moot://link","role":"guest","by":"ANN","uses":3,"used":0,"expires":"2026-01-09T03:04:05Z"}
`,
	},
	{
		line: `invite --list`,
		calls: `
invitations all=false
`,
		text: `
ID            ROLE           USED    EXPIRES           BY   STATE
aa0000000000  guest          3       never             ann  open
ab0000000000  device of ann  0 of 1  2026-01-02 03:04  ann  expired
ac0000000000  member         2 of 2  2026-01-02 03:04  bob  used up
ad0000000000  member         0 of 2  never             bob  withdrawn
`,
		json: `
{"id":"aa00","role":"guest","by":"ANN","uses":0,"used":3}
{"id":"ab00","for":"ANN","by":"ANN","uses":1,"used":0,"expires":"2026-01-02T03:04:05Z"}
{"id":"ac00","role":"member","by":"BOB","uses":2,"used":2,"expires":"2026-01-02T03:04:05Z"}
{"id":"ad00","role":"member","by":"BOB","uses":2,"used":0,"withdrawn":true}
`,
	},
	{
		line: `invite --list --all`,
		calls: `
invitations all=true
`,
		text: `
ID            ROLE           USED    EXPIRES           BY   STATE
aa0000000000  guest          3       never             ann  open
ab0000000000  device of ann  0 of 1  2026-01-02 03:04  ann  expired
ac0000000000  member         2 of 2  2026-01-02 03:04  bob  used up
ad0000000000  member         0 of 2  never             bob  withdrawn
`,
		json: `
{"id":"aa00","role":"guest","by":"ANN","uses":0,"used":3}
{"id":"ab00","for":"ANN","by":"ANN","uses":1,"used":0,"expires":"2026-01-02T03:04:05Z"}
{"id":"ac00","role":"member","by":"BOB","uses":2,"used":2,"expires":"2026-01-02T03:04:05Z"}
{"id":"ad00","role":"member","by":"BOB","uses":2,"used":0,"withdrawn":true}
`,
	},
	{
		line: `invite --withdraw aa00`,
		calls: `
withdraw aa00
`,
		text: `
withdrew aa0000000000
`,
		json: `
{"id":"aa00","role":"guest","by":"ANN","uses":0,"used":0,"withdrawn":true}
`,
	},
	{
		line: `rename anna`,
		calls: `
rename anna
member ANN
`,
		text: `
you are called anna now
`,
		json: `
{"member":"ANN","name":"anna"}
`,
	},
	{
		line: `rename annabel`,
		calls: `
rename annabel
member ANN
`,
		text: `
you are still called anna: annabel takes effect when a server, admin or owner has confirmed it
`,
		json: `
{"member":"ANN","name":"anna","claimed":"annabel"}
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
{"id":"BOB","name":"bob","role":"admin","joined":0}
`,
	},
	{
		line: `revoke bob`,
		calls: `
member bob
only on [TOWER]
revoke BOB {Strict:false}
`,
		text: `
revoked bob (BOB)
`,
		json: `
{"id":"BOB","name":"bob","role":"","joined":0,"revoked":true}
`,
	},
	{
		line: `revoke bob --strict`,
		calls: `
member bob
only on [TOWER]
revoke BOB {Strict:true}
`,
		text: `
revoked bob (BOB)
`,
		json: `
{"id":"BOB","name":"bob","role":"","joined":0,"revoked":true}
`,
	},
	{
		line: `revoke bob --lift`,
		calls: `
restore bob
`,
		text: `
bob is member again
`,
		json: `
{"id":"BOB","name":"bob","role":"member","joined":0}
`,
	},
	{
		line: `revoke ann --yes`,
		calls: `
member ann
leave
`,
		text: `
left friends
`,
		json: `
{"left":"friends"}
`,
	},
	{
		line: `leave --yes`,
		calls: `
leave
`,
		text: `
left friends
`,
		json: `
{"left":"friends"}
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
		line: `offer`,
		calls: `
offers
`,
		text: `
WHO           CPUS  MEMORY     HOURS        TO
ann (laptop)  2     512.0 MiB  always       bob
bob           4     1.0 GiB    22:00-06:00  all  server
`,
		json: `
{"device":"LAPTOP","member":"ANN","cpus":2,"to":["BOB"]}
{"device":"TOWER","member":"BOB","cpus":4,"memory":1073741824,"hours":"22:00-06:00","server":true}
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
WHO           CPUS  MEMORY     HOURS        TO
ann (laptop)  2     512.0 MiB  always       bob
bob           4     1.0 GiB    22:00-06:00  all  server
`,
		json: `
{"device":"LAPTOP","member":"ANN","cpus":2,"to":["BOB"]}
{"device":"TOWER","member":"BOB","cpus":4,"memory":1073741824,"hours":"22:00-06:00","server":true}
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
WHO           CPUS  MEMORY     HOURS        TO
ann (laptop)  2     512.0 MiB  always       bob
bob           4     1.0 GiB    22:00-06:00  all  server
`,
		json: `
{"device":"LAPTOP","member":"ANN","cpus":2,"to":["BOB"]}
{"device":"TOWER","member":"BOB","cpus":4,"memory":1073741824,"hours":"22:00-06:00","server":true}
`,
	},
}
