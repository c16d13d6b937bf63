"""Pure bytes: JSON text, stubs, codec, packs. Knows no store and does no I/O."""
