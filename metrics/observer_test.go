package metrics

import "testing"

func TestUnitOfPath(t *testing.T) {
	for path, want := range map[string]string{
		"/system.slice/nginx.service":                                     "nginx.service",
		"/system.slice/docker-0123.scope/worker":                          "docker-0123.scope",
		"/user.slice/user-0.slice/user@0.service/app.slice/foo.service/x": "foo.service",
		"/kubepods/burstable/pod7":                                        "pod7",
		"/":                                                               "/",
	} {
		if got := unitOfPath(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestSnake(t *testing.T) {
	for name, want := range map[string]string{
		"TcpExtTCPTimeouts": "tcp_ext_tcp_timeouts", "Ip6InReceives": "ip6_in_receives", "MPTcpExtMPJoinAckHMacFailure": "mp_tcp_ext_mp_join_ack_hmac_failure",
		"TCP_inuse": "tcp_inuse", "IpExtInECT1Pkts": "ip_ext_in_ect1_pkts", "TcpExtTWRecycled": "tcp_ext_tw_recycled", "x-y": "x_y",
	} {
		if got := snake(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
