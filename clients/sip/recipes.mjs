export const recipe = async () => {};
export const viewUrl = () => '';
