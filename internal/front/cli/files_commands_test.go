package cli

var filesCommands = []command{
	{
		line: `ls`,
		calls: `
read folder ""
holdings of 3, count=false
`,
		text: `
NAME    SIZE     BY        WHEN                 BLOB
b/      2.0 KiB                                                   2 files
a.txt   10 B     ann       2026-01-02 03:04:05  03ff000000000000
c�[2J�  1 B      dan~aeaa  2026-01-02 03:04:05  05ff000000000000
e       3 B      ann       2026-01-02 03:04:05  06ff000000000000  CONFLICT, not available now
`,
		json: `
{"name":"d/b","item":"ff","blob":{"id":"00","size":0},"size":2048,"files":2,"mode":0,"modified":"0001-01-01T00:00:00Z","folder":true,"time":0}
{"name":"d/a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100","now":"here"}
{"name":"d/c\u001b[2J\n","blob":{"id":"05ff00","size":1},"size":1,"mode":420,"modified":"2026-01-02T03:04:05Z","author":"NOBODY","time":115823283077120000,"version":"050100","now":"yes"}
{"name":"d/e","blob":{"id":"06ff00","size":3},"size":3,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"060100","conflict":true,"now":"no"}
`,
	},
	{
		line: `ls d/`,
		calls: `
read folder "d"
holdings of 3, count=false
`,
		text: `
NAME    SIZE     BY        WHEN                 BLOB
b/      2.0 KiB                                                   2 files
a.txt   10 B     ann       2026-01-02 03:04:05  03ff000000000000
c�[2J�  1 B      dan~aeaa  2026-01-02 03:04:05  05ff000000000000
e       3 B      ann       2026-01-02 03:04:05  06ff000000000000  CONFLICT, not available now
`,
		json: `
{"name":"d/b","item":"ff","blob":{"id":"00","size":0},"size":2048,"files":2,"mode":0,"modified":"0001-01-01T00:00:00Z","folder":true,"time":0}
{"name":"d/a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100","now":"here"}
{"name":"d/c\u001b[2J\n","blob":{"id":"05ff00","size":1},"size":1,"mode":420,"modified":"2026-01-02T03:04:05Z","author":"NOBODY","time":115823283077120000,"version":"050100","now":"yes"}
{"name":"d/e","blob":{"id":"06ff00","size":3},"size":3,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"060100","conflict":true,"now":"no"}
`,
	},
	{
		line: `ls d -l`,
		calls: `
read folder "d"
holdings of 3, count=true
`,
		text: `
MODE        SIZE     BY        WHEN                 MODIFIED             VERSION           BLOB              COPIES  NOW   NAME
d---------  2.0 KiB                                                                                                        b/      2 files
-rw-r--r--  10 B     ann       2026-01-02 03:04:05  2026-01-02 03:04:05  0301000000000000  03ff000000000000  2       here  a.txt
-rw-r--r--  1 B      dan~aeaa  2026-01-02 03:04:05  2026-01-02 03:04:05  0501000000000000  05ff000000000000  1       yes   c�[2J�
-rw-r--r--  3 B      ann       2026-01-02 03:04:05  2026-01-02 03:04:05  0601000000000000  06ff000000000000  0       no    e       CONFLICT
`,
		json: `
{"name":"d/b","item":"ff","blob":{"id":"00","size":0},"size":2048,"files":2,"mode":0,"modified":"0001-01-01T00:00:00Z","folder":true,"time":0}
{"name":"d/a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100","copies":2,"now":"here"}
{"name":"d/c\u001b[2J\n","blob":{"id":"05ff00","size":1},"size":1,"mode":420,"modified":"2026-01-02T03:04:05Z","author":"NOBODY","time":115823283077120000,"version":"050100","copies":1,"now":"yes"}
{"name":"d/e","blob":{"id":"06ff00","size":3},"size":3,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"060100","conflict":true,"copies":0,"now":"no"}
`,
	},
	{
		line: `ls -r`,
		calls: `
list ""
holdings of 3, count=false
`,
		text: `
NAME      SIZE     BY        WHEN                 BLOB
d/a.txt   10 B     ann       2026-01-02 03:04:05  03ff000000000000
d/b/      2.0 KiB                                                   2 files
d/c�[2J�  1 B      dan~aeaa  2026-01-02 03:04:05  05ff000000000000
d/e       3 B      ann       2026-01-02 03:04:05  06ff000000000000  CONFLICT, not available now
`,
		json: `
{"name":"d/a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100","now":"here"}
{"name":"d/b","item":"ff","blob":{"id":"00","size":0},"size":2048,"files":2,"mode":0,"modified":"0001-01-01T00:00:00Z","folder":true,"time":0}
{"name":"d/c\u001b[2J\n","blob":{"id":"05ff00","size":1},"size":1,"mode":420,"modified":"2026-01-02T03:04:05Z","author":"NOBODY","time":115823283077120000,"version":"050100","now":"yes"}
{"name":"d/e","blob":{"id":"06ff00","size":3},"size":3,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"060100","conflict":true,"now":"no"}
`,
	},
	{
		line: `ls -r d`,
		calls: `
list "d/"
holdings of 3, count=false
`,
		text: `
NAME      SIZE     BY        WHEN                 BLOB
d/a.txt   10 B     ann       2026-01-02 03:04:05  03ff000000000000
d/b/      2.0 KiB                                                   2 files
d/c�[2J�  1 B      dan~aeaa  2026-01-02 03:04:05  05ff000000000000
d/e       3 B      ann       2026-01-02 03:04:05  06ff000000000000  CONFLICT, not available now
`,
		json: `
{"name":"d/a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100","now":"here"}
{"name":"d/b","item":"ff","blob":{"id":"00","size":0},"size":2048,"files":2,"mode":0,"modified":"0001-01-01T00:00:00Z","folder":true,"time":0}
{"name":"d/c\u001b[2J\n","blob":{"id":"05ff00","size":1},"size":1,"mode":420,"modified":"2026-01-02T03:04:05Z","author":"NOBODY","time":115823283077120000,"version":"050100","now":"yes"}
{"name":"d/e","blob":{"id":"06ff00","size":3},"size":3,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"060100","conflict":true,"now":"no"}
`,
	},
	{
		line: `find two words`,
		calls: `
find "two words"
holdings of 1, count=false
`,
		text: `
NAME     SIZE  BY   WHEN                 BLOB
d/a.txt  10 B  ann  2026-01-02 03:04:05  03ff000000000000
`,
		json: `
{"name":"d/a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100","now":"here"}
`,
	},
	{
		line: `history a.txt`,
		calls: `
history a.txt
`,
		text: `
NAME   SIZE  BY   WHEN                 VERSION           BLOB
a.txt        ann  2026-01-02 03:04:05  0001000000000000                    removed
a.txt  10 B  ann  2026-01-02 03:04:05  0301000000000000  03ff000000000000
`,
		json: `
{"name":"a.txt","blob":{"id":"00","size":0},"size":0,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"000100","deleted":true}
{"name":"a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
`,
	},
	{
		line: `conflicts`,
		calls: `
conflicts
`,
		text: `
NAME                  SIZE  BY   WHEN                 VERSION           BLOB
a.txt                 10 B  ann  2026-01-02 03:04:05  0301000000000000  03ff000000000000  CONFLICT
a (conflict bob).txt  11 B  ann  2026-01-02 03:04:05  0401000000000000  04ff000000000000  conflict copy
`,
		json: `
{"name":"a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100","conflict":true}
{"name":"a (conflict bob).txt","blob":{"id":"04ff00","size":11},"size":11,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"040100","conflict":true,"copy":true}
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
		line: `undo a.txt`,
		calls: `
restore a.txt ""
`,
		text: `
a.txt is 03ff00 now
`,
		json: `
{"name":"a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
`,
	},
	{
		line: `undo a.txt 1f3a`,
		calls: `
restore a.txt "1f3a"
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
		line: `get a.txt b -o to`,
		calls: `
get all ["a.txt" "b"] "to"
`,
		text: `
here/a.txt  10 B  03ff00
here/b  10 B  03ff00
`,
		json: `
{"name":"a.txt","path":"here/a.txt","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
{"name":"b","path":"here/b","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
`,
	},
	{
		line: `get d/*.jpg`,
		calls: `
get all ["d/*.jpg"] "."
`,
		text: `
here/d/*.jpg  10 B  03ff00
`,
		json: `
{"name":"d/*.jpg","path":"here/d/*.jpg","blob":{"id":"03ff00","size":10},"size":10,"mode":420,"modified":"2026-01-02T03:04:05Z","by":"ANN","author":"LAPTOP","time":115823283077120000,"version":"030100"}
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
remove a {Recursive:false Now:false}
remove b {Recursive:false Now:false}
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
	{
		line: `rm -r --now a`,
		calls: `
remove a {Recursive:true Now:true}
`,
		text: `
removed a
`,
		json: `
{"removed":"a"}
`,
	},
}
