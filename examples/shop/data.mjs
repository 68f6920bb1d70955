// The shop's products, customers and orders, made up by arithmetic: the same on every machine and in every run.
// Not a fixture of any test: tests name the few records that they rely on.

const MATERIALS = ['Oak', 'Steel', 'Linen', 'Cork', 'Copper', 'Wool', 'Glass', 'Clay'];
const THINGS = ['Desk', 'Lamp', 'Chair', 'Shelf', 'Mug', 'Blanket', 'Vase', 'Clock', 'Tray', 'Stool', 'Basket', 'Mirror', 'Bench'];
const FIRST_NAMES = ['Ada', 'Grace', 'Linus', 'Barbara', 'Edsger', 'Radia', 'Ken', 'Margaret', 'Dennis', 'Frances'];
const LAST_NAMES = ['Berg', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'Garcia', 'Haddad', 'Ito', 'Jansen', 'Kumar', 'Lopez'];
const STATES = ['placed', 'paid', 'shipped', 'delivered'];

export const DEMO_CUSTOMER = 'demo-customer';

/** Everything the shop knows, as plain objects that the caller may change. */
export function shopData() {
  const products = count(300, product);
  const customers = [{ id: DEMO_CUSTOMER, name: 'Demo Customer', email: 'demo@customers.example' }, ...count(120, customer)];
  const orders = count(400, (id) => order(id, products, customers));
  return { products, customers, orders };
}

function product(id) {
  const material = pick(MATERIALS, id);
  const thing = pick(THINGS, id);
  return {
    id,
    name: `${material} ${thing}`,
    price: { amount: 495 + ((id * 7919) % 20000), currency: 'EUR' },
    stock: (id * 31) % 50,
    tags: [material.toLowerCase(), thing.toLowerCase()],
  };
}

function customer(number) {
  const first = pick(FIRST_NAMES, number);
  const last = pick(LAST_NAMES, number);
  const id = `customer-${number}`;
  return { id, name: `${first} ${last}`, email: `${first}.${last}.${number}@customers.example`.toLowerCase() };
}

/** Every fortieth order belongs to the demo customer, so that the demo token has something to show. */
function order(id, products, customers) {
  const buyer = id % 40 === 1 ? customers[0] : pick(customers.slice(1), id * 13);
  const items = count(1 + (id % 3), (line) => ({ productId: pick(products, id * 17 + line).id, quantity: 1 + ((id + line) % 4) }));
  return { id, customerId: buyer.id, state: pick(STATES, id), items };
}

function pick(list, number) {
  return list[number % list.length];
}

function count(length, make) {
  return Array.from({ length }, (_, index) => make(index + 1));
}
