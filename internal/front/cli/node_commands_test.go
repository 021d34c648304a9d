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
		line: `restore old.backup`,
		calls: `
restore /home old.backup
`,
		text: `
restored /home: start the node, and the others bring it up to date
`,
		json: `
{"restored":"/home"}
`,
	},
	{
		line: `status`,
		calls: `
status
`,
		text: `
space        friends  ANN
member       ann (owner)  ANN
device       laptop  LAPTOP
node         running
via          both
peers        1 connected
entries      12 by 2 devices
blobs        3, 4.9 KiB
served       0 B
received     0 B
server       https://a:1  answers
server       https://b:2  does not answer: asleep
address      https://a:1
conflicts    1: see 'moot conflicts'
invitations  2 open: see 'moot invite --list'
waiting      cyd: for a server, admin or owner
waiting      device tablet of ann: for a server, admin or owner
forked       phone of ann goes on in 2 branches: see 'moot device ls --of ann'
`,
		json: `
{"space":"ANN","name":"friends","member":"ANN","as":"ann","device":"LAPTOP","label":"laptop","home":"/home","via":"both","running":true,"role":"owner","servers":[{"id":"LAPTOP","addrs":["https://a:1"],"reachable":true},{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","addrs":["https://b:2"],"reachable":false,"why":"asleep"}],"peers":1,"addrs":["https://a:1"],"entries":12,"authors":2,"blobs":3,"bytes":5000,"sent_bytes":0,"received_bytes":0,"conflicts":1,"forks":1,"adopted":true,"invitations":2,"waiting":[{"member":"CYD","name":"cyd","device":"a4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},{"member":"ANN","name":"ann","device":"baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","label":"tablet","joined":true}],"forked":[{"member":"ANN","name":"ann","device":"PHONE","label":"phone","since":"2026-01-02T03:04:05Z","branches":[{"head":"ab00","entries":3,"last":115823283077120000},{"head":"cd00","entries":1,"last":115823283077120000}]}]}
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
}
