package nettop_test

import (
	"os/exec"
	"regexp"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// The shells are taught what there is, and complete it.
func TestCompletion(t *testing.T) {
	ns := pair(t)
	nstest.Completes(t, program, map[string]string{
		"nettop li": "listeners", "nettop --record": "--recording", "nettop counters --sort mean": "meaning", "nettop completion z": "zsh",
	})
	for want, args := range map[string][]string{
		"tracked": {"t"}, ns.Name: {"--netns", ns.Name[:6]}, "sentRate": {"--sort", "sentR"}, "fill=": {"listeners", "--filter", "fi"},
	} {
		out, err := exec.Command(program, append([]string{"__complete"}, args...)...).Output()
		if err != nil || !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(want)+`(\t|$)`).Match(out) {
			t.Errorf("%v completes to %q, without %s: %v", args, out, want, err)
		}
	}
}
