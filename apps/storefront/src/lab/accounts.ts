/** The laboratory's own accounts: the seed makes them, and the start prints them. */
export const demoAccount = { email: 'demo@ballast.test', password: 'ballast-demo' };
export const operatorAccount = { email: 'operator@ballast.test', password: 'ballast-operator' };
