// Package namespaces opens this kernel's network namespaces, as stacks to show. Other systems
// than Linux have none.
package namespaces

// All is the name that stands for every namespace.
const All = "all"
