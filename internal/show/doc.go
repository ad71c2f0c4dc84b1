// Package show shows stacks to people and to programs: each kind of rows with its
// columns, its members in JSON, what it is filtered and sorted by, of this kernel,
// its namespaces, other hosts and recordings, once or again and again.
package show
