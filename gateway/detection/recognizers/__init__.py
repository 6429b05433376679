"""Our own recognisers, grouped by what they look for; `presidio` holds the ones that come with Presidio."""
