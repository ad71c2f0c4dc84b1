// Package sockopt tells the options of TCP and UDP sockets, and of those of the local
// family, of every process, in every network namespace, by BPF. It is a source for package collectors:
//
//	source := sockopt.New(sockopt.PinFolder)
//	defer source.Close()
//	kernel, err := collectors.Open(collectors.Options{SocketOptions: []netstat.SocketOptionSource{source}})
//
// Programs that do not import it do not have the library for BPF in them.
//
// # How
//
// The kernel lists its sockets to programs of BPF (iter/tcp, iter/udp; Linux 5.12 and
// later here; iter/unix since 5.15). The programs are assembled for the running kernel when they are first
// needed, loaded once, and opened in each namespace: they show the sockets of the
// namespace of the thread that opens them. Each writes a record of a fixed size for
// every socket, with its cookie, so that no value is taken for another socket's.
//
// Of TCP and local sockets the program asks for what the kernel answers there (bpf_getsockopt,
// Linux 5.15 for some options and 6.1 for most; of local ones 5.17). Everything else is read from the kernel's
// structures, at the places that its own type information (BTF) tells. Where a kernel has
// no member of that name, nor of one that it had before, the option is unknown. Of times,
// structures hold ticks: how many a second has is read off a socket of one's own, which
// is bound to the loopback address for a moment when the programs are loaded.
//
// What sock_diag(7) tells everybody is not read again: the sizes of buffers, IP_TOS,
// IPV6_TCLASS, IP_FREEBIND, IP_TRANSPARENT, SO_BINDTODEVICE, TCP_CONGESTION
// and the name of TCP_ULP.
//
// Connections in TIME-WAIT and requests for one have no options. TCP sockets that only have
// a port are in no such list: they are found among the files of processes
// (iter/task_file), when they are asked for. So are the sockets of many namespaces
// ([Source.ForNamespaces]), of which the kernel has one table.
//
// Some kernels (a build of 6.18 is one) let no helper take the socket of a file: the verifier calls it an
// untrusted pointer. Such a socket is found there once sock_diag has given it a cookie, and each of many
// namespaces is read by a list of its own.
//
// # Privileges
//
// CAP_BPF with CAP_PERFMON, and a kernel with CONFIG_BPF_SYSCALL and
// CONFIG_DEBUG_INFO_BTF that is not locked down to confidentiality. Without, the error
// says which of them is missing. Programs that root has left in a BPF file system ([Pin])
// serve everybody.
package sockopt
