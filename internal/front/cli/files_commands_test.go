package cli

var filesCommands = []command{
	{
		line: `ls`,
		calls: `
list ""
`,
		text: `
NAME    SIZE     BY        WHEN                 BLOB
a.txt   10 B     ann       2026-01-02 03:04:05  03ff000000000000
b       2.0 KiB  ann       2026-01-02 03:04:05  04ff000000000000  folder CONFLICT
c�[2J�  1 B      dan~aeaa  2026-01-02 03:04:05  05ff000000000000
`,
		json: `
{"name":"a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
{"name":"b","blob":{"id":"04ff00","size":2048},"size":2048,"mode":420,"modified":"2026-01-02T03:04:05Z","folder":true,"by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"040100","conflict":true}
{"name":"c\u001b[2J\n","blob":{"id":"05ff00","size":1},"size":1,"mode":420,"modified":"2026-01-02T03:04:05Z","author":"NOBODY","time":115823283077120000,"version":"050100"}
`,
	},
	{
		line: `ls pre`,
		calls: `
list "pre"
`,
		text: `
NAME    SIZE     BY        WHEN                 BLOB
a.txt   10 B     ann       2026-01-02 03:04:05  03ff000000000000
b       2.0 KiB  ann       2026-01-02 03:04:05  04ff000000000000  folder CONFLICT
c�[2J�  1 B      dan~aeaa  2026-01-02 03:04:05  05ff000000000000
`,
		json: `
{"name":"a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
{"name":"b","blob":{"id":"04ff00","size":2048},"size":2048,"mode":420,"modified":"2026-01-02T03:04:05Z","folder":true,"by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"040100","conflict":true}
{"name":"c\u001b[2J\n","blob":{"id":"05ff00","size":1},"size":1,"mode":420,"modified":"2026-01-02T03:04:05Z","author":"NOBODY","time":115823283077120000,"version":"050100"}
`,
	},
	{
		line: `find two words`,
		calls: `
find "two words"
`,
		text: `
NAME   SIZE  BY   WHEN                 BLOB
a.txt  10 B  ann  2026-01-02 03:04:05  03ff000000000000
`,
		json: `
{"name":"a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
`,
	},
	{
		line: `history a.txt`,
		calls: `
history a.txt
`,
		text: `
NAME   SIZE  BY   WHEN                 BLOB
a.txt  10 B  ann  2026-01-02 03:04:05  03ff000000000000
`,
		json: `
{"name":"a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
`,
	},
	{
		line: `conflicts`,
		calls: `
conflicts
`,
		text: `
NAME   SIZE     BY   WHEN                 VERSION
a.txt  10 B     ann  2026-01-02 03:04:05  0301000000000000
b      2.0 KiB  ann  2026-01-02 03:04:05  0401000000000000
`,
		json: `
{"name":"a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
{"name":"b","blob":{"id":"04ff00","size":2048},"size":2048,"mode":420,"modified":"2026-01-02T03:04:05Z","folder":true,"by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"040100","conflict":true}
`,
	},
	{
		line: `resolve a.txt`,
		calls: `
resolve a.txt ""
`,
		text: `
a.txt is 03ff00 now
`,
		json: `
{"name":"a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
`,
	},
	{
		line: `resolve a.txt 1f3a`,
		calls: `
resolve a.txt "1f3a"
`,
		text: `
a.txt is 03ff00 now
`,
		json: `
{"name":"a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
`,
	},
	{
		line: `share a.txt --as b --in-place --force`,
		calls: `
share a.txt {As:b InPlace:true Force:true Bare:false Progress:<nil>}
`,
		text: `
b  1.0 MiB  03ff00
`,
		json: `
{"name":"b","blob":{"id":"03ff00","size":1048576},"size":1048576,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
`,
	},
	{
		line: `share a.txt b.txt`,
		calls: `
share a.txt {As: InPlace:false Force:false Bare:false Progress:<nil>}
share b.txt {As: InPlace:false Force:false Bare:false Progress:<nil>}
`,
		text: `
a.txt  1.0 MiB  03ff00
b.txt  1.0 MiB  03ff00
`,
		json: `
{"name":"a.txt","blob":{"id":"03ff00","size":1048576},"size":1048576,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
{"name":"b.txt","blob":{"id":"03ff00","size":1048576},"size":1048576,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
`,
	},
	{
		line: `get a.txt -o to`,
		calls: `
get a.txt "to"
`,
		text: `
here/a.txt  10 B  03ff00
`,
		json: `
{"name":"a.txt","path":"here/a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
`,
	},
	{
		line: `get a.txt`,
		calls: `
get a.txt ""
`,
		text: `
here/a.txt  10 B  03ff00
`,
		json: `
{"name":"a.txt","path":"here/a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
`,
	},
	{
		line: `mv a b --force`,
		calls: `
move a b {Force:true}
`,
		text: `
b  10 B  03ff00
`,
		json: `
{"name":"b","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
`,
	},
	{
		line: `rm a b`,
		calls: `
remove a
remove b
`,
		text: `
removed a
removed b
`,
		json: `
{"removed":"a"}
{"removed":"b"}
`,
	},
}
