package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
)

// ErrNoAnswer says that an agent did not answer within the configuration's time
// and retries: it is not there, cannot be reached, or drops what it does not
// let in, as agents do with an unknown community. It matches
// os.ErrDeadlineExceeded.
var ErrNoAnswer error = noAnswerError{}

type noAnswerError struct{}

func (noAnswerError) Error() string        { return "no answer" }
func (noAnswerError) Timeout() bool        { return true }
func (noAnswerError) Is(target error) bool { return target == os.ErrDeadlineExceeded }

// A session asks an agent one thing at a time.
type session interface {
	// exchange asks and waits for at most timeout. attempt counts the requests
	// that ask the same, from 0: an answer to an earlier one that comes late
	// will do, and says so. An error that is worth another attempt matches
	// errTryAgain.
	exchange(ctx context.Context, r *request, attempt int, timeout time.Duration, a *answer) error
	close()
}

// errTryAgain says that one attempt failed; the next may not.
var errTryAgain = errors.New("attempt failed")

// attemptError is an attempt's failure.
type attemptError struct{ err error }

func (e *attemptError) Error() string        { return e.err.Error() }
func (e *attemptError) Unwrap() error        { return e.err }
func (e *attemptError) Is(target error) bool { return target == errTryAgain }

func tryAgain(err error) error { return &attemptError{err} }

// malformedError says that an agent's answer cannot be decoded.
type malformedError struct{ err error }

func (e *malformedError) Error() string { return "malformed answer: " + e.err.Error() }
func (e *malformedError) Unwrap() error { return e.err }

// maxStreamMessage is the longest message that is taken from a TCP connection.
const maxStreamMessage = 1 << 20

// maxDatagramMessage is longer than any datagram.
const maxDatagramMessage = 1 << 16

// communitySession speaks SNMPv1 and SNMPv2c.
type communitySession struct {
	to        *target
	version   int // on the wire
	community Secret
	strays    *strays

	conn    net.Conn      // nil until there is one, and after a fault of TCP's
	stream  *bufio.Reader // of a TCP connection
	id      uint32        // of the first attempt at what is asked
	message []byte
	buffer  []byte
	decoder decoder
}

func newCommunitySession(c *Config, to *target, strays *strays) *communitySession {
	return &communitySession{to: to, strays: strays, version: int(c.Version.Number()), community: c.Community, id: rand.Uint32() & 0xffffff}
}

// maxAttempts is how far the ids of requests that ask different things are
// apart.
const maxAttempts = 1 << 10

func (s *communitySession) close() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

func (s *communitySession) exchange(ctx context.Context, r *request, attempt int, timeout time.Duration, a *answer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	deadline := time.Now().Add(timeout)
	if s.conn == nil {
		if err := s.dial(ctx, deadline); err != nil {
			return err
		}
	}
	if attempt == 0 {
		s.id = (s.id + maxAttempts) & 0x7fffffff
	}
	s.message = appendMessage(s.message[:0], s.version, s.community, s.id+uint32(attempt), r)
	if err := s.conn.SetDeadline(deadline); err != nil {
		return err
	}
	if ctx.Done() != nil {
		conn, interrupted := s.conn, make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			_ = conn.SetDeadline(time.Unix(1, 0))
			close(interrupted)
		})
		defer func() {
			if !stop() {
				<-interrupted // so that it does not meet the next deadline
			}
		}()
	}
	if _, err := s.conn.Write(s.message); err != nil {
		return s.fault(ctx, err)
	}
	var malformed error
	for {
		message, err := s.receive()
		if err != nil {
			if malformed != nil && errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
				err = malformed
			}
			return s.fault(ctx, err)
		}
		id, err := s.decoder.message(message, s.version, s.community, a)
		switch {
		case err != nil && id == 0 && !errors.Is(err, errForeign):
			malformed = &malformedError{err} // to whatever question
			continue
		case errors.Is(err, errForeign) || id < s.id || id > s.id+uint32(attempt):
			continue // of an earlier question, or of somebody else
		case err != nil:
			return tryAgain(&malformedError{err})
		}
		a.attempt = int(id - s.id)
		return nil
	}
}

func (s *communitySession) dial(ctx context.Context, deadline time.Time) error {
	d := net.Dialer{Deadline: deadline}
	host, err := s.to.dialled(ctx, deadline)
	var conn net.Conn
	if err == nil {
		conn, err = d.DialContext(ctx, s.to.network, endpoint{host: host, port: s.to.port}.String())
	}
	if err == nil {
		conn, err = s.strays.through(conn)
	}
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return s.to.dialError(err)
	}
	s.conn = conn
	if s.to.isStream() {
		s.stream = bufio.NewReaderSize(conn, 1<<16)
	}
	return nil
}

// fault turns the error of a connection into an attempt's.
func (s *communitySession) fault(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s.to.isStream() {
		s.close() // whatever the stream was about to say is lost
	}
	return tryAgain(err)
}

// receive returns the next message, which is the session's until the next call.
func (s *communitySession) receive() ([]byte, error) {
	if s.to.isStream() {
		return s.receiveStream()
	}
	if s.buffer == nil {
		s.buffer = make([]byte, maxDatagramMessage)
	}
	n, err := s.conn.Read(s.buffer)
	return s.buffer[:n], err
}

// receiveStream cuts a message off a stream by its own length (RFC 3430,
// section 2.1).
func (s *communitySession) receiveStream() ([]byte, error) {
	size := 0
	for want := 2; size == 0; want++ {
		head, err := s.stream.Peek(want)
		if err != nil {
			return nil, endOfStream(err)
		}
		header, content, problem := ber.Header(head)
		switch {
		case problem == ber.EndsEarly:
			continue
		case problem != "":
			return nil, fmt.Errorf("malformed answer: it %s", problem)
		case content > maxStreamMessage:
			return nil, fmt.Errorf("malformed answer: %d octets, more than %d", content, maxStreamMessage)
		}
		size = header + content
	}
	if cap(s.buffer) < size {
		s.buffer = make([]byte, size)
	}
	s.buffer = s.buffer[:size]
	_, err := io.ReadFull(s.stream, s.buffer)
	return s.buffer, endOfStream(err)
}

func endOfStream(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the agent closed the connection")
	}
	return err
}

// isRefused reports whether nobody listens there, which a host says at once.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
