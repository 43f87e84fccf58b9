/** The HTTP server in front of apps: origins, limits, assets, metrics. */
export {}
