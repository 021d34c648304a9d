package cli

var jobsCommands = []command{
	{
		line: `run mod.wasm --in texts --memory 64M --max-output 1M --time 1m --cpu 1m --env A=B -- x`,
		calls: `
lookup mod.wasm
lookup texts
submit {"name":"mod","stages":[{"name":"mod","task":{"module":"09ff00","name":"mod","args":["x"],"env":["A=B"],"inputs":[{"path":"texts","folder":true,"id":"0800","size":7}],"limits":{"memory":67108864,"wall":60000000000,"cpu":60000000000,"output":1048576}}}]}
follow k3f9abcdef logs=true
`,
		text: `
hello
`,
		json: `
{"again":false,"stream":1,"task":"one","text":"hello\n"}
{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"done","tasks":2,"done":2,"cached":1,"wall":1500000000,"workers":{"LAPTOP":1,"TOWER":1},"pool":"servers"}
`,
	},
	{
		line: `run mod.wasm --each texts --reduce mod.wasm --reduce-arg sum -o out --check 3 --as counts`,
		calls: `
lookup mod.wasm
lookup texts
lookup mod.wasm
submit {"name":"mod","as":"counts","stages":[{"name":"mod","task":{"module":"09ff00","name":"mod"},"each":[{"path":"","folder":true,"id":"0800","size":7}]},{"name":"reduce","task":{"module":"09ff00","name":"mod","args":["sum"]}}],"check":3}
follow k3f9abcdef logs=false
get counts "out"
`,
		text: `
counts  2 of 2 done, 1 known from before, 2 workers, 1.5s  00
`,
		json: `
{"job":{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"running","tasks":2,"done":1,"running":1,"pool":"servers"}}
{"job":{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"done","tasks":2,"done":2,"cached":1,"wall":1500000000,"workers":{"LAPTOP":1,"TOWER":1},"pool":"servers"}}
{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"done","tasks":2,"done":2,"cached":1,"wall":1500000000,"workers":{"LAPTOP":1,"TOWER":1},"pool":"servers"}
`,
	},
	{
		line: `run mod.wasm --count 3 --detach`,
		calls: `
lookup mod.wasm
submit {"name":"mod","stages":[{"name":"mod","task":{"module":"09ff00","name":"mod"},"count":3}]}
`,
		text: `
k3f9abcdef
`,
		json: `
{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"running","tasks":2,"done":1,"running":1,"pool":"servers"}
`,
		errs: "see how far it is with 'moot jobs k3f9ab', what it writes with 'moot logs k3f9ab'\n",
	},
	{
		line: `jobs`,
		calls: `
jobs
`,
		text: `
ID      PROGRAM  BY   STATE     WHEN                 RESULTS
k3f9ab  count    ann  going on  2026-01-02 03:04:05  counts   nobody
k3f9ab  count    ann  done      2026-01-02 03:04:05  counts
`,
		json: `
{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"waiting","why":"nobody\nlends","tasks":2,"done":1,"running":1,"pool":"servers"}
{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"done","tasks":2,"done":2,"cached":1,"wall":1500000000,"workers":{"LAPTOP":1,"TOWER":1},"pool":"servers"}
`,
	},
	{
		line: `jobs k3f`,
		calls: `
follow k3f logs=false
`,
		text: `
job                  k3f9abcdef
program              count
by                   ann
coordinated by       bob
state                done
tasks                2 of 2 done, 1 known from before, 2 workers, 1.5s
results              counts
worker ann (laptop)  1 tasks
worker bob           1 tasks
`,
		json: `
{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"done","tasks":2,"done":2,"cached":1,"wall":1500000000,"workers":{"LAPTOP":1,"TOWER":1},"pool":"servers"}
`,
	},
	{
		line: `jobs k3f --follow`,
		calls: `
follow k3f logs=false
`,
		text: `
counts  2 of 2 done, 1 known from before, 2 workers, 1.5s  00
`,
		json: `
{"job":{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"running","tasks":2,"done":1,"running":1,"pool":"servers"}}
{"job":{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"done","tasks":2,"done":2,"cached":1,"wall":1500000000,"workers":{"LAPTOP":1,"TOWER":1},"pool":"servers"}}
{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"done","tasks":2,"done":2,"cached":1,"wall":1500000000,"workers":{"LAPTOP":1,"TOWER":1},"pool":"servers"}
`,
	},
	{
		line: `logs k3f`,
		calls: `
follow k3f logs=true
`,
		text: `
one: hello
`,
		json: `
{"job":{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"running","tasks":2,"done":1,"running":1,"pool":"servers"}}
{"again":false,"stream":1,"task":"one","text":"hello\n"}
{"job":{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"done","tasks":2,"done":2,"cached":1,"wall":1500000000,"workers":{"LAPTOP":1,"TOWER":1},"pool":"servers"}}
`,
	},
	{
		line: `cancel k3f`,
		calls: `
cancel k3f
`,
		text: `
cancelled k3f
`,
		json: `
{"cancelled":"k3f"}
`,
	},
	{
		line: `retry k3f`,
		calls: `
retry k3f
follow k3f logs=false
`,
		text: `
counts  2 of 2 done, 1 known from before, 2 workers, 1.5s  00
`,
		json: `
{"job":{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"running","tasks":2,"done":1,"running":1,"pool":"servers"}}
{"job":{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"done","tasks":2,"done":2,"cached":1,"wall":1500000000,"workers":{"LAPTOP":1,"TOWER":1},"pool":"servers"}}
{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"done","tasks":2,"done":2,"cached":1,"wall":1500000000,"workers":{"LAPTOP":1,"TOWER":1},"pool":"servers"}
`,
	},
	{
		line: `jobs k3f -f`,
		calls: `
follow k3f logs=false
`,
		text: `
counts  2 of 2 done, 1 known from before, 2 workers, 1.5s  00
`,
		json: `
{"job":{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"running","tasks":2,"done":1,"running":1,"pool":"servers"}}
{"job":{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"done","tasks":2,"done":2,"cached":1,"wall":1500000000,"workers":{"LAPTOP":1,"TOWER":1},"pool":"servers"}}
{"id":"k3f9abcdef","name":"count","as":"counts","by":"ANN","coordinator":"TOWER","submittedJob":"2026-01-02T03:04:05Z","state":"done","tasks":2,"done":2,"cached":1,"wall":1500000000,"workers":{"LAPTOP":1,"TOWER":1},"pool":"servers"}
`,
	},
}
