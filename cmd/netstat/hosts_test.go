package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestFlagsOfHosts(t *testing.T) {
	for _, name := range []string{"SNMP_COMMUNITY", "SNMP_SECURITY_NAME"} {
		t.Setenv(name, "") // as it was afterwards
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	for args, want := range map[string]string{
		"--context a":                       "--context makes sense with --host",
		"--snmp-config a":                   "--snmp-config makes sense with --host",
		"--host a --netns all":              "--netns makes no sense with --host",
		"--host a --recording b":            "--recording makes no sense with --host",
		"--hosts a --since b -s":            "--since makes no sense with --host",
		"--timeout 5":                       "--timeout makes sense with --host",
		"--host=":                           "--host: the value is empty",
		"--protocol=":                       "--protocol: the value is empty",
		"--since b -t":                      "--since makes no sense with the table of sockets: it goes with --interfaces, --statistics",
		"--max-answer 500":                  "--max-answer makes sense with --host",
		"--max-requests 5":                  "--max-requests makes sense with --host",
		"--any-source":                      "--any-source makes sense with --host",
		"--host a --max-answer 0":           "--max-answer: 0 is no bound",
		"--host a --max-requests 0":         "--max-requests: 0 is no bound",
		"--host a --timeout 0":              "--timeout: 0 is not between",
		"--host a --snmp-config /dev/null":  "no credentials for hosts",
		"--record a --host b --netns c":     "--netns makes no sense with --host",
		"--hosts /nowhere/hosts":            "/nowhere/hosts",
		"--host a --snmp-config /nowhere/c": "/nowhere/c",
	} {
		if _, _, err := execute(t, strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// What everybody sees in the list of processes holds no secret: there is no flag
// for one.
func TestNoFlagTakesSecrets(t *testing.T) {
	newCommand().Flags().VisitAll(func(f *pflag.Flag) {
		text := strings.ToLower(f.Name + " " + f.Usage)
		for _, word := range []string{"community", "passphrase", "password", "secret"} {
			if strings.Contains(text, word) {
				t.Errorf("--%s: %s", f.Name, f.Usage)
			}
		}
	})
}
