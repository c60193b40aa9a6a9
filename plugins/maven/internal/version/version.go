// Package version orders Maven versions, and tells snapshots.
//
// The order is that of ComparableVersion in maven-artifact 3.9, which Maven uses
// for all but ranges. (For those it has a second one, the resolver's
// GenericVersion: "_" separates there too, and 1-1 is 1.1.)
package version

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
)

// Version is a version, read for comparing.
//
// Maven reads a version into a list of numbers and words, in which each hyphen
// and each change between digits and letters opens a list within the list. So
// every list has at most one list in it, at its end: the lists are a chain.
type Version struct{ lists [][]item }

// item is a number or a word.
type item struct {
	text   string // a number's digits without zeros before; a word, if it is no known qualifier
	number bool
	rank   int // of a number, that of its size; of a word, its place among the qualifiers
}

// The ranks of words: qualifiers by Maven's order, then all others by the alphabet.
const (
	alpha = iota
	beta
	milestone
	candidate
	snapshot
	release
	servicePack
	unknown
)

// Compare returns less than 0, 0 or more than 0 as version a comes before b, is
// the same to Maven ("1" and "1.0"), or comes after. It takes any two strings, in
// time linear in their lengths.
//
// Maven's order has circles: 1.ga.sp.1 < 1.0.alpha.1 < 1 < 1.ga.sp.1. See [Sort].
// The lower case of two letters, of all those that a version cannot have, is not
// Java's: that of İ, and that of Σ at the end of a word.
func Compare(a, b string) int { return Parse(a).Compare(Parse(b)) }

// Sort orders versions as [Compare] does, and those that are the same to it by
// the alphabet. However they were ordered before, the result is the same one.
func Sort(versions []string) {
	slices.Sort(versions) // since a circle's order is made by where it began
	type pair struct {
		text   string
		parsed Version
	}
	pairs := make([]pair, len(versions))
	for i, v := range versions {
		pairs[i] = pair{v, Parse(v)}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return a.parsed.Compare(b.parsed) })
	for i, p := range pairs {
		versions[i] = p.text
	}
}

// Parse reads a version. There is none that it cannot read.
func Parse(version string) Version {
	p := parser{lists: [][]item{nil}}
	start, digits := 0, false // of the number or word at hand
	version = strings.ToLower(version)
	for i, r := range version {
		switch {
		case r == '.' || r == '-':
			p.add(version[start:i], digits, start == i)
			start = i + 1
			if r == '-' {
				p.open()
			}
		case isDigit(r):
			if !digits && i > start {
				p.openIfUsed() // 1.x1 is 1-x1
				p.last(word(version[start:i], true))
				start = i
				p.open()
			}
			digits = true
		default:
			if digits && i > start {
				p.last(number(version[start:i]))
				start = i
				p.open()
			}
			digits = false
		}
	}
	if start < len(version) {
		if !digits {
			p.openIfUsed() // 1.x is 1-x
		}
		p.add(version[start:], digits, false)
	}
	return Version{p.trimmed()}
}

// parser collects the lists.
type parser struct{ lists [][]item }

func (p *parser) open() { p.lists = append(p.lists, nil) }

func (p *parser) openIfUsed() {
	if len(p.lists[len(p.lists)-1]) > 0 {
		p.open()
	}
}

func (p *parser) last(i item) { p.lists[len(p.lists)-1] = append(p.lists[len(p.lists)-1], i) }

// add adds what stands before a separator; nothing is the number 0.
func (p *parser) add(text string, digits, empty bool) {
	switch {
	case empty:
		p.last(number("0"))
	case digits:
		p.last(number(text))
	default:
		p.last(word(text, false))
	}
}

// trimmed cuts what is nothing off every list's end: 1.0.0-x is 1-x. Lists that
// are empty then stay where another follows.
func (p *parser) trimmed() [][]item {
	for i, list := range p.lists {
		for len(list) > 0 && list[len(list)-1].compareToNothing() == 0 {
			list = list[:len(list)-1]
		}
		p.lists[i] = list
	}
	for len(p.lists) > 0 && len(p.lists[len(p.lists)-1]) == 0 {
		p.lists = p.lists[:len(p.lists)-1]
	}
	return p.lists
}

// isDigit is Java's Character.isDigit of one UTF-16 unit.
func isDigit(r rune) bool {
	return r >= '0' && r <= '9' || r >= 0x80 && r <= 0xffff && unicode.Is(unicode.Nd, r)
}

// number reads digits. Maven takes numbers of up to 9 digits, of up to 18 and
// longer ones for three sizes, the greater one of which is always more. That
// matters for zeros only, ten of which are more than one.
func number(digits string) item {
	text := strings.Map(asciiDigit, digits)
	length := len(strings.TrimLeft(digits, "0"))
	if len(text) < len(digits) {
		length = len([]rune(strings.TrimLeft(digits, "0"))) // only ASCII zeros are cut off
	}
	if length == 0 {
		length = len(digits)
	}
	i := item{number: true, text: strings.TrimLeft(text, "0")}
	switch {
	case length > 18:
		i.rank = 2
	case length > 9:
		i.rank = 1
	}
	return i
}

// asciiDigit returns the ASCII digit of a digit's value. Unicode has the ten of a
// script in a row.
func asciiDigit(r rune) rune {
	if r < 0x80 {
		return r
	}
	for _, script := range unicode.Nd.R16 {
		if r >= rune(script.Lo) && r <= rune(script.Hi) {
			return '0' + (r-rune(script.Lo))%10
		}
	}
	return r
}

func word(text string, beforeDigit bool) item {
	if beforeDigit {
		switch text {
		case "a":
			return item{rank: alpha}
		case "b":
			return item{rank: beta}
		case "m":
			return item{rank: milestone}
		}
	}
	switch text {
	case "alpha":
		return item{rank: alpha}
	case "beta":
		return item{rank: beta}
	case "milestone":
		return item{rank: milestone}
	case "rc", "cr":
		return item{rank: candidate}
	case "snapshot":
		return item{rank: snapshot}
	case "", "ga", "final", "release":
		return item{rank: release}
	case "sp":
		return item{rank: servicePack}
	default:
		return item{rank: unknown, text: text}
	}
}

// Compare is as the function of that name.
func (v Version) Compare(w Version) int {
	for depth := 0; ; depth++ {
		a, aFollows := v.list(depth)
		b, bFollows := w.list(depth)
		common := min(len(a), len(b))
		for i := range common {
			if c := a[i].compare(b[i]); c != 0 {
				return c
			}
		}
		a, b = a[common:], b[common:]
		switch {
		case len(a) > 0 && bFollows:
			return a[0].compareToList()
		case len(b) > 0 && aFollows:
			return -b[0].compareToList()
		case len(b) == 0 && !bFollows:
			return cmp.Or(compareToNothing(a), v.restToNothing(depth+1))
		case len(a) == 0 && !aFollows:
			return -cmp.Or(compareToNothing(b), w.restToNothing(depth+1))
		}
	}
}

// list returns the list at a depth, and whether there is one in it.
func (v Version) list(depth int) (items []item, follows bool) {
	if depth >= len(v.lists) {
		return nil, false
	}
	return v.lists[depth], depth+1 < len(v.lists)
}

func (v Version) restToNothing(depth int) int {
	for ; depth < len(v.lists); depth++ {
		if c := compareToNothing(v.lists[depth]); c != 0 {
			return c
		}
	}
	return 0
}

// compareToNothing returns what the first item says that is not nothing itself.
func compareToNothing(items []item) int {
	for _, i := range items {
		if c := i.compareToNothing(); c != 0 {
			return c
		}
	}
	return 0
}

// compare compares two items in the same place: a word is less than a number.
func (i item) compare(j item) int {
	switch {
	case i.number != j.number:
		return i.compareToList()
	case i.rank != j.rank:
		return cmp.Compare(i.rank, j.rank)
	case i.number && len(i.text) != len(j.text):
		return cmp.Compare(len(i.text), len(j.text))
	case i.text == j.text:
		return 0
	default: // Java compares strings by their UTF-16
		return slices.Compare(utf16.Encode([]rune(i.text)), utf16.Encode([]rune(j.text)))
	}
}

// compareToList compares to a list in the same place: word < list < number.
func (i item) compareToList() int {
	if i.number {
		return 1
	}
	return -1
}

// compareToNothing compares to the end of a shorter version: 1-rc < 1 < 1-sp < 1.1.
func (i item) compareToNothing() int {
	if !i.number {
		return cmp.Compare(i.rank, release)
	}
	return min(1, len(i.text))
}
