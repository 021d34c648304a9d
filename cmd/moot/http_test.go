package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// request is a program's: http METHOD URL STATUS [-t TOKEN] [-H HEADER] [-d BODY | -f FILE].
// Its output is the response's body, after the header that must look so if one is given.
func request(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: http method url status [-t token] [-H 'name: value'] [-d body] [-f file] [-o file]")
	}
	var body []byte
	header, output := http.Header{}, ""
	for rest := args[3:]; len(rest) >= 2; rest = rest[2:] {
		switch value := rest[1]; rest[0] {
		case "-t":
			header.Set("Authorization", "Bearer "+value)
		case "-H":
			name, text, _ := strings.Cut(value, ": ")
			header.Set(name, text)
		case "-d":
			body = []byte(value)
			header.Set("Content-Type", "application/json")
		case "-f":
			body = []byte(ts.ReadFile(value))
		case "-o":
			output = value
		default:
			ts.Fatalf("http: unknown flag %s", rest[0])
		}
	}
	req, err := http.NewRequest(args[0], args[1], bytes.NewReader(body))
	ts.Check(err)
	req.Header = header
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // the server's own certificate
	resp, err := client.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n%s", resp.Header.Get("Content-Type"), text)
	if output != "" {
		ts.Check(os.WriteFile(ts.MkAbs(output), text, 0o600))
	}
	if got := resp.Status[:3]; got != args[2] {
		ts.Fatalf("%s %s: status %s, want %s", args[0], args[1], resp.Status, args[2])
	}
}
