// The public client as its service has it: one axios with two interceptors, which adds its token to every request and gets a new
// one by Basic on a 401 whose reason phrase is exactly `Unauthorized` (sheet, section 2).

import axios from 'axios';

import { base } from './server.mjs';

export const encode = (user, password) => Buffer.from(`${user}:${password}`).toString('base64');

export class Client {
  constructor(user, password, address = base) {
    this.credentials = encode(user, password);
    this.token = undefined;
    /** Every request that left, for checks. */
    this.sent = [];
    const headers = { common: { 'Content-Type': 'application/json', Accept: 'application/json' } };
    this.axios = axios.create({ baseURL: address, headers, timeout: 15_000 });
    this.axios.interceptors.request.use((config) => {
      if (this.token) config.headers['X-Auth-Token'] = this.token;
      this.sent.push(`${config.method} ${config.url}`);
      return config;
    });
    this.axios.interceptors.response.use(
      (response) => response,
      (error) => this.recover(error),
    );
  }

  /** Once: what is repeated goes out by the axios without interceptors. */
  async recover(error) {
    if (error.response?.status === 401 && error.response.statusText === 'Unauthorized') {
      const data = await this.renew();
      error.config.headers['X-Auth-Token'] = data.payload.token;
      this.sent.push(`again ${error.config.method} ${error.config.url}`);
      return axios.request(error.config);
    }
    throw error;
  }

  async renew() {
    const response = await this.axios.get('/auth', { headers: { Authorization: `Basic ${this.credentials}` } });
    if (response.data.payload.token) this.token = response.data.payload.token;
    return response.data;
  }
}

/** A request without the client's own habits: status, reason and body, whatever they are. */
export async function plain(method, path, { headers = {}, data, address = base } = {}) {
  const response = await axios.request({
    method,
    url: `${address}${path}`,
    headers,
    data,
    timeout: 15_000,
    validateStatus: () => true,
  });
  return { status: response.status, reason: response.statusText, headers: response.headers, body: response.data };
}
