package cli

var mailCommands = []command{
	{
		line: `send bob --subject Hi --text hello --wait 0s`,
		calls: `
mail
send wait=0s
`,
		text: `
sent ef0000000000 to 1, held by 2 more
`,
		json: `
{"id":"ef00","members":["BOB"],"holders":2}
`,
	},
	{
		line: `send bob --draft --cc cyd`,
		calls: `
mail
save Drafts [\Draft \Seen]
`,
		text: `
ID            FROM                  WHEN                 FOLDER  SUBJECT
abcd00000000  "bob" <bob@moot.alt>  2026-01-02 03:04:05  Drafts  Lunch     +1
`,
		json: `
{"id":"abcd00","folder":"Drafts","uid":4,"modseq":7,"flags":["\\Draft","\\Seen"],"author":"BOB","arrived":"2026-01-02T03:04:05Z","size":0,"from":"\"bob\" <bob@moot.alt>","to":["ann@moot.alt","cyd@moot.alt"],"subject":"Lunch","date":"2026-01-02T03:04:05Z","message_id":"1@moot.alt","thread":"1@moot.alt","attachments":[{"name":"map.txt","type":"text/plain","size":1}],"text":"At no"}
`,
	},
	{
		line: `inbox`,
		calls: `
mail
folders
messages {"folder":"INBOX","limit":100}
`,
		text: `
ID            FROM                  WHEN                 FOLDER  SUBJECT
abcd00000000  "bob" <bob@moot.alt>  2026-01-02 03:04:05  INBOX   Lunch    new +1
`,
		json: `
{"id":"abcd00","folder":"INBOX","uid":4,"modseq":7,"flags":null,"author":"BOB","arrived":"2026-01-02T03:04:05Z","size":0,"from":"\"bob\" <bob@moot.alt>","to":["ann@moot.alt","cyd@moot.alt"],"subject":"Lunch","date":"2026-01-02T03:04:05Z","message_id":"1@moot.alt","thread":"1@moot.alt","attachments":[{"name":"map.txt","type":"text/plain","size":1}],"text":"At no"}
`,
	},
	{
		line: `inbox work --unread --limit 5`,
		calls: `
mail
folders
messages {"folder":"Work","unseen":true,"limit":5}
`,
		text: `
ID            FROM                  WHEN                 FOLDER  SUBJECT
abcd00000000  "bob" <bob@moot.alt>  2026-01-02 03:04:05  INBOX   Lunch    new +1
`,
		json: `
{"id":"abcd00","folder":"INBOX","uid":4,"modseq":7,"flags":null,"author":"BOB","arrived":"2026-01-02T03:04:05Z","size":0,"from":"\"bob\" <bob@moot.alt>","to":["ann@moot.alt","cyd@moot.alt"],"subject":"Lunch","date":"2026-01-02T03:04:05Z","message_id":"1@moot.alt","thread":"1@moot.alt","attachments":[{"name":"map.txt","type":"text/plain","size":1}],"text":"At no"}
`,
	},
	{
		line: `inbox --folders`,
		calls: `
mail
folders
`,
		text: `
FOLDER  MESSAGES  UNREAD  SIZE
INBOX   1         1       2.0 KiB
Work    2         0       0 B
`,
		json: `
{"name":"INBOX","uid_validity":0,"uid_next":0,"modseq":7,"messages":1,"unseen":1,"deleted":0,"size":2048,"awaited":0}
{"name":"Work","uid_validity":0,"uid_next":0,"modseq":0,"messages":2,"unseen":0,"deleted":0,"size":0,"awaited":0}
`,
	},
	{
		line: `search lunch --folder INBOX`,
		calls: `
mail
folders
messages {"folder":"INBOX","words":"lunch","limit":100}
`,
		text: `
ID            FROM                  WHEN                 FOLDER  SUBJECT
abcd00000000  "bob" <bob@moot.alt>  2026-01-02 03:04:05  INBOX   Lunch    new +1
`,
		json: `
{"id":"abcd00","folder":"INBOX","uid":4,"modseq":7,"flags":null,"author":"BOB","arrived":"2026-01-02T03:04:05Z","size":0,"from":"\"bob\" <bob@moot.alt>","to":["ann@moot.alt","cyd@moot.alt"],"subject":"Lunch","date":"2026-01-02T03:04:05Z","message_id":"1@moot.alt","thread":"1@moot.alt","attachments":[{"name":"map.txt","type":"text/plain","size":1}],"text":"At no"}
`,
	},
	{
		line: `read abcd`,
		calls: `
mail
messages {"prefix":"abcd"}
change [{"folder":"INBOX","uid":4,"set":["\\Seen"]}]
receipts
message
`,
		text: `
From: "bob" <bob@moot.alt>
To: ann@moot.alt, cyd@moot.alt
Date: 2026-01-02 03:04:05
Subject: Lunch
Attached: map.txt, 1 B

At noon?
`,
		json: `
{"id":"abcd00","folder":"INBOX","uid":4,"modseq":7,"flags":null,"author":"BOB","arrived":"2026-01-02T03:04:05Z","size":0,"from":"\"bob\" <bob@moot.alt>","to":["ann@moot.alt","cyd@moot.alt"],"subject":"Lunch","date":"2026-01-02T03:04:05Z","message_id":"1@moot.alt","thread":"1@moot.alt","attachments":[{"name":"map.txt","type":"text/plain","size":1}],"text":"At noon?","receipts":[{"reader":"BOB","delivered":"2026-01-02T03:04:05Z","read":"2026-01-02T03:04:05Z"},{"reader":"ANN","delivered":"2026-01-02T03:04:05Z"},{"reader":"CYD"}]}
`,
	},
	{
		line: `read abcd --keep-unread --raw`,
		calls: `
mail
messages {"prefix":"abcd"}
message
`,
		text: `
From: bob
Subject: Lunch
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

At noon?
--b
Content-Disposition: attachment; filename=map.txt

X
--b--
`,
		json: `
From: bob
Subject: Lunch
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

At noon?
--b
Content-Disposition: attachment; filename=map.txt

X
--b--
`,
	},
	{
		line: `read abcd --thread`,
		calls: `
mail
messages {"prefix":"abcd"}
messages {"thread":"1@moot.alt"}
`,
		text: `
ID            FROM                  WHEN                 FOLDER  SUBJECT
abcd00000000  "bob" <bob@moot.alt>  2026-01-02 03:04:05  INBOX   Lunch    new +1
`,
		json: `
{"id":"abcd00","folder":"INBOX","uid":4,"modseq":7,"flags":null,"author":"BOB","arrived":"2026-01-02T03:04:05Z","size":0,"from":"\"bob\" <bob@moot.alt>","to":["ann@moot.alt","cyd@moot.alt"],"subject":"Lunch","date":"2026-01-02T03:04:05Z","message_id":"1@moot.alt","thread":"1@moot.alt","attachments":[{"name":"map.txt","type":"text/plain","size":1}],"text":"At no"}
`,
	},
	{
		line: `reply abcd --all`,
		calls: `
mail
messages {"prefix":"abcd"}
send wait=5s
change [{"folder":"INBOX","uid":4,"set":["\\Seen","\\Answered"]}]
`,
		text: `
sent ef0000000000 to 1, held by 2 more
`,
		json: `
{"id":"ef00","members":["BOB"],"holders":2}
`,
	},
	{
		line: `move abcd Work`,
		calls: `
mail
messages {"prefix":"abcd"}
change [{"folder":"INBOX","uid":4,"move":"Work"}]
messages {"folder":"INBOX","id":"abcd00"}
`,
		text: `
ID            FROM                  WHEN                 FOLDER  SUBJECT
abcd00000000  "bob" <bob@moot.alt>  2026-01-02 03:04:05  INBOX   Lunch    new +1
`,
		json: `
{"id":"abcd00","folder":"INBOX","uid":4,"modseq":7,"flags":null,"author":"BOB","arrived":"2026-01-02T03:04:05Z","size":0,"from":"\"bob\" <bob@moot.alt>","to":["ann@moot.alt","cyd@moot.alt"],"subject":"Lunch","date":"2026-01-02T03:04:05Z","message_id":"1@moot.alt","thread":"1@moot.alt","attachments":[{"name":"map.txt","type":"text/plain","size":1}],"text":"At no"}
`,
	},
	{
		line: `discard abcd`,
		calls: `
mail
messages {"prefix":"abcd"}
change [{"folder":"INBOX","uid":4,"move":"Trash"}]
messages {"folder":"INBOX","id":"abcd00"}
`,
		text: `
ID            FROM                  WHEN                 FOLDER  SUBJECT
abcd00000000  "bob" <bob@moot.alt>  2026-01-02 03:04:05  INBOX   Lunch    new +1
`,
		json: `
{"id":"abcd00","folder":"INBOX","uid":4,"modseq":7,"flags":null,"author":"BOB","arrived":"2026-01-02T03:04:05Z","size":0,"from":"\"bob\" <bob@moot.alt>","to":["ann@moot.alt","cyd@moot.alt"],"subject":"Lunch","date":"2026-01-02T03:04:05Z","message_id":"1@moot.alt","thread":"1@moot.alt","attachments":[{"name":"map.txt","type":"text/plain","size":1}],"text":"At no"}
`,
	},
	{
		line: `discard abcd --for-good`,
		calls: `
mail
messages {"prefix":"abcd"}
change [{"folder":"INBOX","uid":4,"remove":true}]
`,
		text: `
removed abcd00000000
`,
		json: `
{"removed":"abcd00000000"}
`,
	},
	{
		line: `mark abcd --set \Flagged --clear \Seen`,
		calls: `
mail
messages {"prefix":"abcd"}
change [{"folder":"INBOX","uid":4,"set":["\\Flagged"],"clear":["\\Seen"]}]
messages {"folder":"INBOX","id":"abcd00"}
`,
		text: `
ID            FROM                  WHEN                 FOLDER  SUBJECT
abcd00000000  "bob" <bob@moot.alt>  2026-01-02 03:04:05  INBOX   Lunch    new +1
`,
		json: `
{"id":"abcd00","folder":"INBOX","uid":4,"modseq":7,"flags":null,"author":"BOB","arrived":"2026-01-02T03:04:05Z","size":0,"from":"\"bob\" <bob@moot.alt>","to":["ann@moot.alt","cyd@moot.alt"],"subject":"Lunch","date":"2026-01-02T03:04:05Z","message_id":"1@moot.alt","thread":"1@moot.alt","attachments":[{"name":"map.txt","type":"text/plain","size":1}],"text":"At no"}
`,
	},
}
