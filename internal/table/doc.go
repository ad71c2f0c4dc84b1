// Package table prints rows of any type as people and as programs read them:
// in columns that are laid out while rows still arrive, and as JSON Lines. A
// kind of row is declared once (Kind): its columns, and its fields, which are
// its JSON members, what it can be sorted by and what a filter can ask for.
//
// Nothing is allocated for a row, and no more rows are held than the bounded
// look-ahead that columns take their widths from; but for sorting, which needs
// them all.
package table
