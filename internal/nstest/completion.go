package nstest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Completes checks that bash, zsh and fish, taught by "PROGRAM completion SHELL", complete the last
// word of lines: each line to its word. The first word of a line is the program's name.
func Completes(t testing.TB, program string, lines map[string]string) {
	t.Helper()
	const bashCompletion = "/usr/share/bash-completion/bash_completion"
	if _, err := os.Stat(bashCompletion); err != nil {
		Needs(t, "needs the package bash-completion: "+err.Error())
	}
	name := filepath.Base(program)
	scripts := map[string]*strings.Builder{"bash": {}, "zsh": {}, "fish": {}}
	fmt.Fprintf(scripts["bash"], "source %s; source \"$1\"\n", bashCompletion)
	// zsh completes at a prompt only: one is opened on a terminal, and keys pressed.
	fmt.Fprint(scripts["zsh"], `zmodload zsh/zpty; zpty prompt 'PS1="> " zsh -f -i'
		zpty -w prompt "autoload -Uz compinit; compinit -D; source $1; echo rea\"\"dy"; zpty -r -m prompt seen "*ready*> *"
`)
	fmt.Fprintln(scripts["fish"], "source $argv[1]")
	for line, word := range lines {
		words := strings.Fields(line)
		fmt.Fprintf(scripts["bash"], "COMP_LINE='%s' COMP_WORDS=(%s) COMP_CWORD=%d COMP_POINT=%d COMP_TYPE=9 COMP_KEY=9\nCOMPREPLY=(); __start_%s 2>/dev/null; [[ \" ${COMPREPLY[*]} \" == *' %s '* ]] && echo '%[2]s'\n",
			line, line, len(words)-1, len(line), name, word)
		fmt.Fprintf(scripts["zsh"], "zpty -w -n prompt $'\\C-u%s\\t'; zpty -r -m prompt seen '*%s*' && print -r -- '%[1]s'\n", line, word)
		fmt.Fprintf(scripts["fish"], "complete -C '%s' | string match -q -r -- '^%s(\\t|$)'; and echo '%[1]s'\n", line, word)
	}
	fmt.Fprintln(scripts["zsh"], "zpty -d prompt")
	plain := map[string][]string{"bash": {"--norc"}, "zsh": {"-f"}, "fish": {"--no-config"}}
	for shell, script := range scripts {
		NeedsProgram(t, shell)
		ctx, cancel := context.WithTimeout(t.Context(), Patience)
		defer cancel()
		dir := t.TempDir()
		taught, err := exec.CommandContext(ctx, program, "completion", shell).Output()
		if err != nil {
			t.Fatalf("%s completion %s: %v", name, shell, err)
		}
		teaches, asks := filepath.Join(dir, "teaches"), filepath.Join(dir, "asks")
		for path, text := range map[string]string{teaches: string(taught), asks: script.String()} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(ctx, shell, append(plain[shell], asks, teaches)...)
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"), "HOME="+dir)
		out, _ := cmd.CombinedOutput() // a shell's status is that of its last command
		for line, word := range lines {
			if !strings.Contains("\n"+string(out), "\n"+line+"\n") {
				t.Errorf("%s does not complete %q to %s:\n%s", shell, line, word, out)
			}
		}
	}
}
