package cli

import (
	"context"

	"github.com/mootspace/moot/internal/app"
)

// fakeAliases is an app.Aliases.
type fakeAliases struct{ *fake }

func (f fakeAliases) List(context.Context) ([]app.Alias, error) {

	return []app.Alias{
		{Name: "*", Address: "*@a.example", Members: []app.AliasMember{{Member: ann, Name: "ann"}, {Member: bob, Name: "bob", Gone: true}}},
		{Name: "zoe", Address: "zoe@a.example", Members: []app.AliasMember{{Member: ann, Name: "ann"}}, Hidden: true},
	}, f.call("aliases")
}

func (f fakeAliases) Set(_ context.Context, name string, members []string) (app.Alias, error) {
	return app.Alias{Name: name, Address: name + "@a.example", Members: []app.AliasMember{{Member: ann, Name: "ann"}}}, f.call("set alias %s %q", name, members)
}

func (f fakeAliases) Remove(_ context.Context, name string) error {
	return f.call("remove alias %s", name)
}

var aliasCommands = []command{
	{
		line: `account alias ls`,
		calls: `
aliases
`,
		text: `
ADDRESS        MEMBERS
*@a.example    ann, bob (has left)
zoe@a.example  ann                  a member has this name, and gets its messages
`,
		json: `
{"name":"*","address":"*@a.example","members":[{"member":"ANN","name":"ann"},{"member":"BOB","name":"bob","gone":true}]}
{"name":"zoe","address":"zoe@a.example","members":[{"member":"ANN","name":"ann"}],"hidden":true}
`,
	},
	{
		line: `account alias add sales ann bob`,
		calls: `
set alias sales ["ann" "bob"]
`,
		text: `
sales@a.example leads to ann
`,
		json: `
{"name":"sales","address":"sales@a.example","members":[{"member":"ANN","name":"ann"}]}
`,
	},
	{
		line: `account alias rm sales`,
		calls: `
remove alias sales
`,
		text: `
removed sales
`,
		json: `
{"removed":"sales"}
`,
	},
}
