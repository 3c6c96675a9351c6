// Operations on their way to the server: decisions made within a moment travel together, and all
// that is not acknowledged is sent again.

const GATHER_MS = 60;
const RESEND_MS = 4000;

export class Sender {
  // `send` hands a list of operations over.
  constructor(send) {
    this.send = send;
    this.sent = new Set(); // ids of the operations that wait for an answer
    this.hasSent = false;
  }

  // Send what is new soon; wait for the answer to what was sent.
  follow(store) {
    const hasUnsent = store.queue.some((one) => !this.sent.has(one.id));
    this.schedule(store, hasUnsent ? GATHER_MS : RESEND_MS);
  }

  schedule(store, delay = GATHER_MS) {
    this.stop();
    if (!store.queue.length) return;
    this.timer = setTimeout(() => {
      this.hasSent = true;
      this.sent = new Set(store.queue.map((one) => one.id));
      this.send(store.queue);
      this.schedule(store, RESEND_MS);
    }, delay);
  }

  stop() {
    clearTimeout(this.timer);
  }
}
