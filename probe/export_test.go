package probe

// Break makes reading a module panic once it has a row.
func (p *Prober) Break(module string) {
	for i := range p.modules[module].parts {
		part := &p.modules[module].parts[i]
		part.lookups = append(part.lookups, lookup{"nowhere", len(part.columns)})
	}
}
