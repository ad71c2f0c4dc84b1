package page

import (
	"fmt"
	"strconv"
	"time"
)

// count writes a number in groups of three digits.
func count(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	if len(digits) < 5 {
		return digits
	}
	var b []byte
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b = append(b, "\u202f"...) // a narrow space
		}
		b = append(b, digits[i])
	}
	return string(b)
}

// octets writes a number of octets with a binary prefix.
func octets(n float64) string { return scaled(n, 1024, "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB") }

// bits writes octets a second as bits a second.
func bits(perSecond float64) string {
	return scaled(8*perSecond, 1000, "bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s")
}

func scaled(n, by float64, units ...string) string {
	i := 0
	for ; n >= by-0.5 && i < len(units)-1; i++ {
		n /= by
	}
	if i == 0 || n >= 99.95 {
		return fmt.Sprintf("%.0f\u00a0%s", n, units[i])
	}
	return fmt.Sprintf("%.1f\u00a0%s", n, units[i])
}

// span writes a length of time in its largest units.
func span(d time.Duration) string {
	d = max(d, 0)
	days, d := d/(24*time.Hour), d%(24*time.Hour)
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, d/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

func ordinal(n uint64) string {
	suffix := "th"
	if tens := n % 100; tens < 11 || tens > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.FormatUint(n, 10) + suffix
}
