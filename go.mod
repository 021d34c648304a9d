module github.com/mootspace/moot

go 1.26
