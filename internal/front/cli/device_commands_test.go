package cli

var deviceCommands = []command{
	{
		line: `device add --expires 10m --peers-only`,
		calls: `
add device {Expires:10m0s ServersOnly:false PeersOnly:true}
`,
		text: `
moot://device
`,
		json: `
{"id":"aa00","link":"moot://device","for":"ANN","by":"ANN","uses":1,"used":0,"expires":"2026-01-02T03:14:05Z"}
`,
	},
	{
		line: `device add --recovery`,
		calls: `
recovery
`,
		text: `
moot-recovery-1-2-3
`,
		json: `
{"recovery":"moot-recovery-1-2-3"}
`,
	},
	{
		line: `device ls`,
		calls: `
devices
status
`,
		text: `
NAME                   STATE                                KEY
laptop                 this device                          LAPTOP
phone                  FORKED                               PHONE
  branch ab0000000000  3 entries, last 2026-01-02 03:04:05
  branch cd0000000000  1 entries, last 2026-01-02 03:04:05
recovery code          on paper                             a4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
`,
		json: `
{"key":"LAPTOP","name":"laptop","member":"ANN"}
{"key":"PHONE","name":"phone","member":"ANN","forked":true,"branches":[{"head":"ab00","entries":3,"last":115823283077120000},{"head":"cd00","entries":1,"last":115823283077120000}]}
{"key":"a4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","name":"recovery code","member":"ANN","recovery":true}
`,
	},
	{
		line: `device ls --of bob`,
		calls: `
member bob
`,
		text: `
NAME      STATE  KEY
ayaaaaaa  -      TOWER
`,
		json: `
{"key":"TOWER","member":"BOB"}
`,
	},
	{
		line: `device rename phone tablet`,
		calls: `
rename device phone tablet
`,
		text: `
auaaaaaa is called tablet now
`,
		json: `
{"key":"PHONE","name":"tablet","member":"ANN"}
`,
	},
	{
		line: `device rm phone`,
		calls: `
devices
only on [PHONE]
remove device {Member: Device:phone Recovery:}
`,
		text: `
removed phone (PHONE)
`,
		json: `
{"key":"PHONE","name":"phone","member":"ANN"}
`,
	},
	{
		line: `device rm laptop --yes`,
		calls: `
remove device {Member: Device:laptop Recovery:}
`,
		text: `
removed laptop (PHONE)
`,
		json: `
{"key":"PHONE","name":"laptop","member":"ANN"}
`,
	},
	{
		line: `device rm box --of bob`,
		calls: `
member bob
remove device {Member:bob Device:box Recovery:}
`,
		text: `
removed box (PHONE)
`,
		json: `
{"key":"PHONE","name":"box","member":"ANN"}
`,
	},
	{
		line: `device rm phone --recovery -`,
		calls: `
devices
only on [PHONE]
remove device {Member: Device:phone Recovery:typed}
`,
		text: `
removed phone (PHONE)
`,
		json: `
{"key":"PHONE","name":"phone","member":"ANN"}
`,
	},
	{
		line: `device choose phone ab00`,
		calls: `
resolve fork {Member: Device:phone Head:ab00}
`,
		text: `
the branch ab00 of phone counts, and the device has ended
`,
		json: `
{"key":"PHONE","name":"phone","member":"ANN"}
`,
	},
	{
		line: `device choose box ab00 --of bob`,
		calls: `
resolve fork {Member:bob Device:box Head:ab00}
`,
		text: `
the branch ab00 of box counts, and the device has ended
`,
		json: `
{"key":"PHONE","name":"box","member":"ANN"}
`,
	},
}
