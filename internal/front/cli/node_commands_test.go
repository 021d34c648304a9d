package cli

var nodeCommands = []command{
	{
		line: `init --name friends --as ann`,
		calls: `
init /home {Space:friends As:ann Label:}
`,
		text: `
ANN
space "friends", owned by "ann" in /home
recovery code: moot-recovery-1-2-3
next: 'moot up' runs a peer, 'moot serve' the space's server, 'moot invite' brings others in
`,
		json: `
{"space":"ANN","name":"friends","member":"ANN","as":"ann","device":"LAPTOP","label":"laptop","home":"/home","recovery":"moot-recovery-1-2-3"}
`,
	},
	{
		line: `join moot://link --as ann`,
		calls: `
join /home {Link:moot://link As:ann Label:}
`,
		text: `
joined "friends" as "ann" (ANN)
`,
		json: `
{"space":"ANN","name":"friends","member":"ANN","as":"ann","device":"LAPTOP","label":"laptop","home":"/home"}
`,
	},
	{
		line: `join moot://link --as ann --device tablet`,
		calls: `
join /home {Link:moot://link As:ann Label:tablet}
`,
		text: `
joined "friends" as "ann" (ANN)
`,
		json: `
{"space":"ANN","name":"friends","member":"ANN","as":"ann","device":"LAPTOP","label":"laptop","home":"/home"}
`,
	},
	{
		line: `join -`,
		calls: `
join /home {Link:typed As: Label:}
`,
		text: `
joined "friends" as "ann" (ANN)
`,
		json: `
{"space":"ANN","name":"friends","member":"ANN","as":"ann","device":"LAPTOP","label":"laptop","home":"/home"}
`,
	},
	{
		line: `up --listen 127.0.0.1:1 --web 127.0.0.1:2`,
		calls: `
run /home {"Listen":["127.0.0.1:1"],"Web":"127.0.0.1:2","Mail":{}}
`,
		text: `
ready
  https://a:1
  /ip4/1.2.3.4/tcp/5
`,
		json: `
{"addrs":["https://a:1","/ip4/1.2.3.4/tcp/5"],"ready":true}
`,
	},
	{
		line: `up --mail`,
		calls: `
run /home {"Mail":{"IMAP":"127.0.0.1:1143","Submission":"127.0.0.1:1587",}}
`,
		text: `
ready
  https://a:1
  /ip4/1.2.3.4/tcp/5
`,
		json: `
{"addrs":["https://a:1","/ip4/1.2.3.4/tcp/5"],"ready":true}
`,
	},
	{
		line: `serve --mail --smtp :25 --mail-domain a.example --cert c.pem --cert-key k.pem`,
		calls: `
run /home {"Serve":true,"CertFile":"c.pem","KeyFile":"k.pem","Mail":{"IMAP":":143","IMAPS":":993","Submission":":587","Submissions":":465","CertFile":"c.pem","KeyFile":"k.pem","Domain":"a.example","Host":"a.example","SMTP":":25","Quota":5368709120,"OutPort":25}}
`,
		text: `
ready
  https://a:1
  /ip4/1.2.3.4/tcp/5
`,
		json: `
{"addrs":["https://a:1","/ip4/1.2.3.4/tcp/5"],"ready":true}
`,
	},
	{
		line: `serve --worker`,
		calls: `
run /home {"Worker":true,"Mail":{"Quota":5368709120,"OutPort":25}}
`,
		text: `
ready
  https://a:1
  /ip4/1.2.3.4/tcp/5
`,
		json: `
{"addrs":["https://a:1","/ip4/1.2.3.4/tcp/5"],"ready":true}
`,
	},
	{
		line: `backup saved --keep 3`,
		calls: `
backup saved 3
`,
		text: `
made 2026-01-31: 2.0 KiB, 7 blobs (2 new), wrote 1000 B
dropped 1 older, and freed 10 B
without the files of /docs, which cannot be read
`,
		json: `
{"id":"2026-01-31","new":2,"known":5,"size":2048,"bytes":1000,"dropped":1,"freed":10,"unread_folders":["/docs"]}
`,
	},
	{
		line: `backup --list saved`,
		calls: `
backups saved
`,
		text: `
ID          TIME                 BLOBS  SIZE
2026-01-31  2026-01-31 01:02:03  7      2.0 KiB
`,
		json: `
{"id":"2026-01-31","time":"2026-01-31T01:02:03Z","device":"LAPTOP","blobs":7,"size":2048}
`,
	},
	{
		line: `restore saved --verify`,
		calls: `
verify saved ""
`,
		text: `
no damage in 1 backups, the largest of 2.0 KiB
`,
		json: `
{"id":"2026-01-31","time":"2026-01-31T01:02:03Z","device":"LAPTOP","blobs":7,"size":2048}
`,
	},
	{
		line: `restore saved --at 2026-01-31`,
		calls: `
restore /home saved "2026-01-31"
`,
		text: `
restored /home: start the node, and the others bring it up to date
`,
		json: `
{"restored":"/home","id":"2026-01-31","blobs":7}
`,
	},
	{
		line: `status`,
		calls: `
status
folders
`,
		text: `
space        friends  ANN
member       ann (owner)  ANN
device       laptop  LAPTOP
node         running
via          both
peers        1 connected
entries      12 by 2 devices
blobs        3, 4.9 KiB: 2.9 KiB in force, 1000 B older versions, 1000 B other
in place     2.0 KiB
served       0 B
received     0 B
server       https://a:1  answers
server       https://b:2  does not answer: asleep
address      https://a:1
synced       /here/docs with docs: in step
synced       /music with m: waiting (read-only), 3 problems: see 'moot sync status /music'
conflicts    1: see 'moot conflicts'
invitations  2 open: see 'moot invite --list'
waiting      cyd: for a server, admin or owner
waiting      device tablet of ann: for a server, admin or owner
forked       phone of ann goes on in 2 branches: see 'moot device ls --of ann'
`,
		json: `
{"space":"ANN","name":"friends","member":"ANN","as":"ann","device":"LAPTOP","label":"laptop","home":"/home","via":"both","running":true,"role":"owner","servers":[{"id":"LAPTOP","addrs":["https://a:1"],"reachable":true},{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","addrs":["https://b:2"],"reachable":false,"why":"asleep"}],"peers":1,"addrs":["https://a:1"],"entries":12,"authors":2,"blobs":3,"bytes":5000,"in_force_bytes":3000,"old_bytes":1000,"in_place_bytes":2048,"sent_bytes":0,"received_bytes":0,"conflicts":1,"forks":1,"adopted":true,"invitations":2,"waiting":[{"member":"CYD","name":"cyd","device":"a4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},{"member":"ANN","name":"ann","device":"baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","label":"tablet","joined":true}],"forked":[{"member":"ANN","name":"ann","device":"PHONE","label":"phone","since":"2026-01-02T03:04:05Z","branches":[{"head":"ab00","entries":3,"last":115823283077120000},{"head":"cd00","entries":1,"last":115823283077120000}]}],"folders":[{"dir":"/here/docs","name":"docs","state":"in step","files":2,"bytes":2048,"to_send":0,"to_fetch":0,"failing":0},{"dir":"/music","name":"m","state":"waiting","why":"nobody has them","read_only":true,"except":["live"],"files":1,"bytes":10,"to_send":0,"to_fetch":3,"changed":["x\ty"],"problems":[{"path":"a","why":"no room","kind":"full","since":"2026-01-02T03:04:05Z","next":"2026-01-02T03:05:05Z"},{"path":"b","why":"a name","kind":"invalid","since":"2026-01-02T03:04:05Z"}],"failing":3}]}
`,
	},
	{
		line: `peers`,
		calls: `
peers
`,
		text: `
NAME         ROLE    STATE      KEY       ADDRESSES
bob          member  connected  ayaaaaaa  /ip4/1.2.3.4/tcp/5
ann (phone)  owner   -          auaaaaaa
`,
		json: `
{"id":"TOWER","name":"bob","addrs":["/ip4/1.2.3.4/tcp/5"],"member":"BOB","role":"member","connected":true}
{"id":"PHONE","name":"ann (phone)","member":"ANN","role":"owner","connected":false}
`,
	},
	{
		line: `policy`,
		calls: `
preferences
rules
`,
		text: `
serves    all names
to        members
sends     no limit
receives  no limit
lends     10.0 GiB for copies of files
holds     messages for others: 2 copies, at most 1 GiB, for 30 days
keeps     own messages for ever
reading   authors get receipts
jobs      that have ended: for 30 days
files     all: 1 copy, old versions for 30d, the newest 10 of each file
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
rules
`,
		text: `
serves    names below p/, q/
to        members but not bob
sends     at most 2.0 MiB/s
receives  no limit
lends     10.0 GiB for copies of files
holds     messages for others: 3 copies, at most 1.0 GiB, for 9 days
keeps     own messages for ever, Junk for ever, Trash 5 days
reading   authors get no receipts
jobs      that have ended: for 30 days
files     all: 1 copy, old versions for 30d, the newest 10 of each file
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
rules
`,
		text: `
serves    all names
to        members
sends     no limit
receives  no limit
lends     10.0 GiB for copies of files
holds     no messages for others
keeps     own messages 4 days, Junk 3 days, Trash for ever
reading   authors get receipts
jobs      that have ended: for 30 days
files     all: 1 copy, old versions for 30d, the newest 10 of each file
`,
		json: `
{"carry_copies":-1,"keep_junk_days":3,"keep_mail_days":4}
`,
	},
	{
		line: `policy --names photos/,a/b --copies 3 --retain-for 1w --retain-versions 2`,
		calls: `
set rule {"names":"photos","copies":3,"retain_for":604800000000000,"retain_versions":2}
set rule {"names":"a/b","copies":3,"retain_for":604800000000000,"retain_versions":2}
rules
`,
		text: `
files  all: 1 copy, old versions for 30d, the newest 10 of each file
`,
		json: `
{"rules":[]}
`,
	},
	{
		line: `policy --copies 0`,
		calls: `
set rule {"names":"","copies":0}
rules
`,
		text: `
files  all: 1 copy, old versions for 30d, the newest 10 of each file
`,
		json: `
{"rules":[]}
`,
	},
	{
		line: `policy --withdraw --names photos`,
		calls: `
end rule "photos"
rules
`,
		text: `
files  all: 1 copy, old versions for 30d, the newest 10 of each file
`,
		json: `
{"rules":[]}
`,
	},
}
