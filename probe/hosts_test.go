package probe_test

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/badpath"
	"github.com/netsnmp-agent/netsnmp-agent/probe"
)

// TestNobodyWaits asks hosts of every kind at the same time: while dead ones are asked again and again, slow ones, one of
// 5,000 interfaces and the others are told of completely.
func TestNobodyWaits(t *testing.T) {
	const links, hugeLinks = 50, 5_000
	small, stop := serve(interfaces(many(links)...)...)
	defer stop()
	huge, stopHuge := serve(interfaces(many(hugeLinks)...)...)
	defer stopHuge()
	p := newProber(t, probe.Options{})
	ask := func(kind, address string, want, links int) {
		status, body := scrape(t, p, "target="+url.QueryEscape(address), time.Minute)
		if told := strings.Count(body, "\nifHCInOctets{"); status != want || told != links {
			t.Errorf("a %s host: status %d, %d of %d interfaces", kind, status, told, links)
		}
	}

	over := make(chan struct{})
	var dead, alive sync.WaitGroup
	for range 5 {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c.Close() // whoever asks it is told so by ICMP
		for kind, address := range map[string]string{"silent": silent(t), "closed": c.LocalAddr().String()} {
			dead.Go(func() {
				for {
					ask(kind, address, http.StatusInternalServerError, 0)
					select {
					case <-over:
						return
					default:
					}
				}
			})
		}
	}
	// One agent stands for the healthy hosts and for the slow ones: each has a port that leads to it.
	for kind, hosts := range map[string]struct {
		n     int
		delay time.Duration
	}{"healthy": {40, 0}, "slow": {5, 150 * time.Millisecond}} {
		for range hosts.n {
			address, closing, err := (&badpath.Path{Delay: hosts.delay}).Open("127.0.0.1:0", small)
			if err != nil {
				t.Fatal(err)
			}
			defer closing()
			alive.Go(func() { ask(kind, address, http.StatusOK, links) })
		}
	}
	alive.Go(func() { ask("huge", huge, http.StatusOK, hugeLinks) })
	alive.Wait()
	close(over)
	dead.Wait()
}
