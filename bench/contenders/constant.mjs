// The least that a Worker can do. The base of the cold start.
export default {
  fetch() {
    return new Response('hi');
  },
};
