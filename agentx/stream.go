package agentx

import "io"

// A pduReader cuts a stream into PDUs. Memory for a payload is taken as its
// octets arrive, not for the length that a header claims.
type pduReader struct {
	r          io.Reader
	buf        []byte
	start, end int // of what was read and not yet returned
}

const (
	readSize = 4 << 10
	// keepSize is the largest buffer that is kept once it is empty.
	keepSize = 64 << 10
)

// next returns the next PDU, valid until the next call. Errors are those of
// the reader and of DecodeHeader; the stream is of no use after either.
func (p *pduReader) next() (Header, []byte, error) {
	for {
		if p.end-p.start >= headerLength {
			h, err := DecodeHeader(p.buf[p.start:p.end])
			if err != nil {
				return h, nil, err
			}
			if n := headerLength + int(h.PayloadLength); p.end-p.start >= n {
				payload := p.buf[p.start+headerLength : p.start+n]
				p.start += n
				return h, payload, nil
			}
		}
		if err := p.fill(); err != nil {
			return Header{}, nil, err
		}
	}
}

// ready reports whether next would return without reading.
func (p *pduReader) ready() bool {
	if p.end-p.start < headerLength {
		return false
	}
	h, err := DecodeHeader(p.buf[p.start:p.end])
	return err != nil || p.end-p.start >= headerLength+int(h.PayloadLength)
}

// fill reads once, into a buffer at most twice as large as what arrived.
func (p *pduReader) fill() error {
	switch {
	case p.start == p.end:
		p.start, p.end = 0, 0
		if cap(p.buf) > keepSize || p.buf == nil {
			p.buf = make([]byte, readSize)
		}
	case p.start > 0:
		p.end = copy(p.buf, p.buf[p.start:p.end])
		p.start = 0
	}
	if p.end == len(p.buf) {
		grown := make([]byte, 2*len(p.buf))
		copy(grown, p.buf)
		p.buf = grown
	}
	n, err := p.r.Read(p.buf[p.end:])
	p.end += n
	if n > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	if err == io.EOF && p.end > p.start {
		return io.ErrUnexpectedEOF
	}
	return err
}
