export const relays = async () => {};
