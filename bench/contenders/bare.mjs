// A bare JavaScript proxy: the request goes to the origin as it came, the answer comes back as it is. No work at all.
export default {
  fetch(request, env) {
    const { url } = request;
    return fetch(env.ORIGIN_URL + url.slice(url.indexOf('/', 8)), request);
  },
};
