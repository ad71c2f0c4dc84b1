package recording

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Version is the version of the format that this package writes, and the
// highest that it reads.
const Version = 1

// magic begins every recording. A transfer that changes line ends or cuts the
// eighth bit is found by it, as with PNG (RFC 2083, section 3.1).
const magic = "\x89NSR\r\n\x1a\n"

const (
	// headerSize is the magic, the version and the checksum of both.
	headerSize = len(magic) + 4 + 4
	// frameHeaderSize is the type, the compression, two zero octets, the stored
	// and the original length, the checksum of the payload and that of all this.
	frameHeaderSize = 20

	// maxPayload bounds a frame's payload, compressed and not.
	maxPayload = 16 << 20
)

// Frame types.
const (
	frameMoment    = 'M' // a moment begins
	frameStack     = 'S' // a stack of the moment begins
	frameRows      = 'R' // rows of one kind
	frameKind      = 'K' // a kind ends
	frameCatalogue = 'C' // a part of a moment's catalogue
	frameMomentEnd = 'E' // the moment ends, with its catalogue
	frameIndex     = 'I' // where the moments are
	frameTrailer   = 'T' // where the index is; the last frame
)

// Compressions of a payload.
const (
	stored     = 0
	compressed = 1 // Zstandard (RFC 8878)
)

// trailerSize is that of the last frame, the payload of which is an offset.
const trailerSize = frameHeaderSize + 8

var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli()) }

// Errors of what is read, matched with errors.Is. They come in a *FormatError,
// which tells the offset.
var (
	// ErrNotRecording says that a file is something else.
	ErrNotRecording = errors.New("not a recording")
	// ErrVersion says that a recording is of a version of the format that this
	// package does not know.
	ErrVersion = errors.New("a version of the format that is not known here")
	// ErrTruncated says that a recording ends in the middle: its writer is still
	// writing or was interrupted, or the file was cut short.
	ErrTruncated = errors.New("the recording is cut short")
	// ErrCorrupt says that a recording is damaged, or was not written by a
	// program that keeps to the format.
	ErrCorrupt = errors.New("the recording is damaged")
)

// FormatError says where a recording cannot be read, and why. What stands
// before Offset is not affected.
type FormatError struct {
	Name   string // of the file; may be empty
	Offset int64  // in bytes from its beginning
	Err    error  // matches one of the errors above, or is that of reading
}

func (e *FormatError) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("at offset %d: %v", e.Offset, e.Err)
	}
	return fmt.Sprintf("%s: at offset %d: %v", e.Name, e.Offset, e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// fileHeader returns the first octets of a recording.
func fileHeader(version uint32) []byte {
	b := binary.BigEndian.AppendUint32([]byte(magic), version)
	return binary.BigEndian.AppendUint32(b, checksum(b))
}

// checkFileHeader reads the first octets of a recording.
func checkFileHeader(b []byte) error {
	if len(b) < headerSize {
		if len(b) < len(magic) || string(b[:len(magic)]) == magic {
			return ErrTruncated
		}
		return ErrNotRecording
	}
	if string(b[:len(magic)]) != magic {
		return ErrNotRecording
	}
	if checksum(b[:headerSize-4]) != binary.BigEndian.Uint32(b[headerSize-4:]) {
		return corrupt("the checksum of the header is wrong")
	}
	if version := binary.BigEndian.Uint32(b[len(magic):]); version == 0 || version > Version {
		return fmt.Errorf("%w: version %d, known up to %d", ErrVersion, version, Version)
	}
	return nil
}

// frame is a frame's header.
type frame struct {
	offset       int64 // of the header
	kind         byte
	compression  byte
	length       uint32 // of the payload in the file
	original     uint32 // of the payload, decompressed
	payloadCheck uint32
}

// next returns where the next frame begins.
func (f *frame) next() int64 { return f.offset + frameHeaderSize + int64(f.length) }

// parseFrame reads a frame's header.
func parseFrame(b []byte) (frame, error) {
	if checksum(b[:frameHeaderSize-4]) != binary.BigEndian.Uint32(b[frameHeaderSize-4:]) {
		return frame{}, corrupt("the checksum of a frame's header is wrong")
	}
	f := frame{
		kind: b[0], compression: b[1],
		length:       binary.BigEndian.Uint32(b[4:]),
		original:     binary.BigEndian.Uint32(b[8:]),
		payloadCheck: binary.BigEndian.Uint32(b[12:]),
	}
	if f.length > maxPayload || f.original > maxPayload {
		return frame{}, corrupt("a frame of %d octets, %d decompressed, is longer than %d", f.length, f.original, maxPayload)
	}
	return f, nil
}

// appendFrame appends a frame to b. The payload is at most maxPayload long.
func appendFrame(b []byte, kind byte, payload []byte, z *zstd.Encoder) []byte {
	at := len(b)
	b = append(b, make([]byte, frameHeaderSize)...)
	b = z.EncodeAll(payload, b)
	how := byte(compressed)
	if len(b)-at-frameHeaderSize >= len(payload) {
		b, how = append(b[:at+frameHeaderSize], payload...), stored
	}
	header, content := b[at:at+frameHeaderSize], b[at+frameHeaderSize:]
	header[0], header[1] = kind, how
	binary.BigEndian.PutUint32(header[4:], uint32(len(content)))
	binary.BigEndian.PutUint32(header[8:], uint32(len(payload)))
	binary.BigEndian.PutUint32(header[12:], checksum(content))
	binary.BigEndian.PutUint32(header[16:], checksum(header[:16]))
	return b
}

// newEncoder returns an encoder of payloads. Its window is as large as most
// payloads, which bounds its memory.
func newEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(false))
}

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPayload))
}

// frames reads frames from a file.
type frames struct {
	name string
	r    io.ReaderAt
	size int64
	zstd *zstd.Decoder
}

func (r *frames) fail(offset int64, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w (%w)", ErrTruncated, err) // it became shorter since it was opened
	}
	return &FormatError{Name: r.name, Offset: offset, Err: err}
}

// header reads the header of the frame at an offset. It is io.EOF, as it is, at
// the end of the file.
func (r *frames) header(offset int64) (frame, error) {
	if offset == r.size {
		return frame{}, io.EOF
	}
	var b [frameHeaderSize]byte
	if r.size-offset < frameHeaderSize {
		return frame{}, r.fail(offset, ErrTruncated)
	}
	if _, err := r.r.ReadAt(b[:], offset); err != nil {
		return frame{}, r.fail(offset, err)
	}
	f, err := parseFrame(b[:])
	if err != nil {
		if zero, zerr := r.zeroFrom(offset); zerr == nil && zero {
			// A host that crashed may leave a file with its length and not
			// its content.
			err = fmt.Errorf("%w: only zeros follow", ErrTruncated)
		}
		return frame{}, r.fail(offset, err)
	}
	f.offset = offset
	if f.next() > r.size {
		return frame{}, r.fail(offset, ErrTruncated)
	}
	return f, nil
}

// zeroFrom reports whether the file has nothing but zeros from an offset on.
func (r *frames) zeroFrom(offset int64) (bool, error) {
	b := make([]byte, 64<<10)
	for offset < r.size {
		n, err := r.r.ReadAt(b[:min(int64(len(b)), r.size-offset)], offset)
		for _, c := range b[:n] {
			if c != 0 {
				return false, nil
			}
		}
		offset += int64(n)
		if err != nil && offset < r.size {
			return false, err
		}
	}
	return true, nil
}

// payload reads a frame's payload into buffers, which it grows.
func (r *frames) payload(f frame, b *buffers) ([]byte, error) {
	if cap(b.content) < int(f.length) {
		b.content = make([]byte, f.length)
	}
	content := b.content[:f.length]
	if n, err := r.r.ReadAt(content, f.offset+frameHeaderSize); err != nil && n < len(content) {
		return nil, r.fail(f.offset, err)
	}
	if checksum(content) != f.payloadCheck {
		return nil, r.fail(f.offset, corrupt("the checksum of a frame's payload is wrong"))
	}
	switch f.compression {
	case stored:
		if f.length != f.original {
			return nil, r.fail(f.offset, corrupt("a payload of %d octets is told to be %d", f.length, f.original))
		}
		return content, nil
	case compressed:
		var err error
		b.payload, err = r.zstd.DecodeAll(content, b.payload[:0])
		if err != nil {
			return nil, r.fail(f.offset, corrupt("decompress: %v", err))
		}
		if len(b.payload) != int(f.original) {
			return nil, r.fail(f.offset, corrupt("a payload decompresses to %d octets and not to %d", len(b.payload), f.original))
		}
		return b.payload, nil
	}
	return nil, r.fail(f.offset, corrupt("compression %d is not known", f.compression))
}

// buffers are what a frame is read into, for one after the other.
type buffers struct{ content, payload []byte }
