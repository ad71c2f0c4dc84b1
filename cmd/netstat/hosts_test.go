package main

import (
	"os"
	"path/filepath"
	"slices"
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
		"--since b -t":                      "--since makes sense with -s and -i",
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

func TestListHosts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, []byte("# all\na b:1161 # two\n\n[::1]:161\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := flags{hosts: []string{"first"}, hostsFile: file}
	got, err := f.listHosts()
	if want := []string{"first", "a", "b:1161", "[::1]:161"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	// As an editor of another system leaves it, with some hosts twice.
	if err := os.WriteFile(file, []byte("\ufeffa\r\n\r\nb # two\r\nfirst\r\na\r\n# end"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err = f.listHosts()
	if want := []string{"first", "a", "b"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.WriteFile(file, []byte("# none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (&flags{hostsFile: file}).listHosts(); err == nil {
		t.Error("a file without hosts")
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
