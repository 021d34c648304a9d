package cli

var syncCommands = []command{
	{
		line: `sync docs`,
		calls: `
folders
add folder docs {Name: ReadOnly:false Keep:false Ignore:[] Except:[]}
follow /here/docs
`,
		text: `
remembered: ends with 'moot sync rm docs'
moved a -> b
failed c�: no room
`,
		json: `
{"remembered":"/here/docs"}
{"what":"moved","path":"a","to":"b"}
{"what":"failed","path":"c\n","why":"no room"}
`,
	},
	{
		line: `sync new --name n --read-only --ignore *.o --except a --except b`,
		calls: `
folders
add folder new {Name:n ReadOnly:true Keep:false Ignore:[*.o] Except:[a b]}
follow /here/new
`,
		text: `
remembered: ends with 'moot sync rm new'
moved a -> b
failed c�: no room
`,
		json: `
{"remembered":"/here/new"}
{"what":"moved","path":"a","to":"b"}
{"what":"failed","path":"c\n","why":"no room"}
`,
	},
	{
		line: `sync docs --once`,
		calls: `
folders
add folder docs {Name: ReadOnly:false Keep:false Ignore:[] Except:[]}
once /here/docs
`,
		text: `
remembered: ends with 'moot sync rm docs'
sent a.txt
`,
		json: `
{"remembered":"/here/docs"}
{"what":"sent","path":"a.txt"}
`,
	},
	{
		line: `sync docs --prefix docs --once`,
		calls: `
folders
add folder docs {Name:docs ReadOnly:false Keep:false Ignore:[] Except:[]}
once /here/docs
`,
		text: `
remembered: ends with 'moot sync rm docs'
sent a.txt
`,
		json: `
{"remembered":"/here/docs"}
{"what":"sent","path":"a.txt"}
`,
	},
	{
		line: `sync add new`,
		calls: `
add folder new {Name: ReadOnly:false Keep:false Ignore:[] Except:[]}
status
`,
		text: `
/here/new is kept in step with new
`,
		json: `
{"dir":"/here/new","name":"new","state":"at work","files":0,"bytes":0,"to_send":0,"to_fetch":0,"failing":0,"running":true}
`,
	},
	{
		line: `sync add new n --keep --read-only --ignore *.o --except a`,
		calls: `
add folder new {Name:n ReadOnly:true Keep:true Ignore:[*.o] Except:[a]}
status
`,
		text: `
/here/new is kept in step with new
`,
		json: `
{"dir":"/here/new","name":"new","state":"at work","files":0,"bytes":0,"to_send":0,"to_fetch":0,"failing":0,"running":true}
`,
	},
	{
		line: `sync ls`,
		calls: `
folders
`,
		text: `
DIR         NAME  STATE                FILES  SIZE     TO SEND  TO FETCH  PROBLEMS
/here/docs  docs  in step              2      2.0 KiB  0        0         0
/music      m     waiting (read-only)  1      10 B     0        3         3
`,
		json: `
{"dir":"/here/docs","name":"docs","state":"in step","files":2,"bytes":2048,"to_send":0,"to_fetch":0,"failing":0}
{"dir":"/music","name":"m","state":"waiting","why":"nobody has them","read_only":true,"except":["live"],"files":1,"bytes":10,"to_send":0,"to_fetch":3,"changed":["x\ty"],"problems":[{"path":"a","why":"no room","kind":"full","since":"2026-01-02T03:04:05Z","next":"2026-01-02T03:05:05Z"},{"path":"b","why":"a name","kind":"invalid","since":"2026-01-02T03:04:05Z"}],"failing":3}
`,
	},
	{
		line: `sync status /music`,
		calls: `
folders
`,
		text: `
directory  /music
name       m
state      waiting (read-only): nobody has them
in step    1 file, 10 B
to send    0
to fetch   3
not here   live/

3 problems:
PATH  WHY      SINCE                NEXT TRY
a     no room  2026-01-02 03:04:05  2026-01-02 03:05:05
b     a name   2026-01-02 03:04:05  when it changes
and 1 more

changed here and not sent ('moot sync revert' gives it up):
  x�y
`,
		json: `
{"dir":"/music","name":"m","state":"waiting","why":"nobody has them","read_only":true,"except":["live"],"files":1,"bytes":10,"to_send":0,"to_fetch":3,"changed":["x\ty"],"problems":[{"path":"a","why":"no room","kind":"full","since":"2026-01-02T03:04:05Z","next":"2026-01-02T03:05:05Z"},{"path":"b","why":"a name","kind":"invalid","since":"2026-01-02T03:04:05Z"}],"failing":3}
`,
	},
	{
		line: `sync status docs`,
		calls: `
folders
`,
		text: `
directory  /here/docs
name       docs
state      in step
in step    2 files, 2.0 KiB
to send    0
to fetch   0
`,
		json: `
{"dir":"/here/docs","name":"docs","state":"in step","files":2,"bytes":2048,"to_send":0,"to_fetch":0,"failing":0}
`,
	},
	{
		line: `sync pause docs`,
		calls: `
pause docs
`,
		text: `
paused docs
`,
		json: `
{"paused":"docs"}
`,
	},
	{
		line: `sync resume docs`,
		calls: `
resume docs
`,
		text: `
resumed docs
`,
		json: `
{"resumed":"docs"}
`,
	},
	{
		line: `sync rm docs`,
		calls: `
remove folder docs
`,
		text: `
forgot docs
`,
		json: `
{"forgot":"docs"}
`,
	},
	{
		line: `sync revert docs`,
		calls: `
revert docs
`,
		text: `
reverted docs
`,
		json: `
{"reverted":"docs"}
`,
	},
	{
		line: `sync select docs --except a --except b/c`,
		calls: `
select docs ["a" "b/c"]
`,
		text: `
a in docs is not wanted here
b/c in docs is not wanted here
`,
		json: `
{"except":["a","b/c"],"selected":"docs"}
`,
	},
	{
		line: `sync select docs --all`,
		calls: `
select docs []
`,
		text: `
all of docs is wanted here
`,
		json: `
{"except":[],"selected":"docs"}
`,
	},
	{
		line: `gc`,
		calls: `
collect {DryRun:false}
`,
		text: `
freed            2.0 KiB, 2 blobs
needed           1.0 MiB
of the last day  10 B
`,
		json: `
{"blobs":2,"bytes":2048,"needed":1048576,"leased":10}
`,
	},
	{
		line: `gc --dry-run`,
		calls: `
collect {DryRun:true}
`,
		text: `
would free       2.0 KiB, 2 blobs
needed           1.0 MiB
of the last day  10 B
`,
		json: `
{"blobs":2,"bytes":2048,"needed":1048576,"leased":10}
`,
	},
}
