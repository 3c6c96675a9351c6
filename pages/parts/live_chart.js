// A chart that polls a route and owns its Plotly figures, so that zoom and hidden traces last.

const MOST_WAIT_MS = 15000;
let plotly; // one promise for the page

function loadPlotly(address) {
  plotly ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    const script = document.createElement("script");
    script.src = new URL(address, document.baseURI).href;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("plotly.js did not load"));
    return document.head.append(script);
  });
  return plotly;
}

class LiveChart {
  constructor(root) {
    this.root = root;
    this.dead = false;
    this.wake = () => !document.hidden && this.poll();
    document.addEventListener("visibilitychange", this.wake);
  }

  // Called at every change of data or theme.
  async update(data, pick) {
    this.pick = pick;
    this.Plotly = await loadPlotly(data.plotly);
    if (this.dead) return;
    const shape = JSON.stringify([data.source_id, data.url, data.panels, data.height_px]);
    this.data = data;
    if (shape === this.shape) {
      this.drawAll(); // the theme may have changed
      return;
    }
    this.shape = shape;
    this.reset();
    this.poll();
  }

  reset() {
    this.purge();
    this.since = 0;
    this.arrays = {};
    this.whole = null; // until the first answer
    this.marks = [];
    this.done = false;
    this.wait = this.data.poll_ms;
    this.generation = (this.generation || 0) + 1;
    this.revision = 0;
    this.rows = new Set(); // the names of the arrays that grow
    this.facts = node("live-facts");
    this.trouble = node("live-trouble");
    this.trouble.hidden = true;
    const figures = node("live-panels");
    this.plots = this.data.panels.map((panel) => {
      const figure = node("live-figure");
      const plot = node("live-panel");
      figure.append(node("live-title", panel.title), plot);
      figures.append(figure);
      return plot;
    });
    this.root.replaceChildren(this.facts, this.trouble, figures);
    this.drawAll();
  }

  // ---- polling

  async poll() {
    clearTimeout(this.timer);
    if (this.dead || this.done || document.hidden || this.asking) return;
    this.asking = true;
    const { generation } = this;
    try {
      const answer = await this.ask();
      if (this.dead || generation !== this.generation) return;
      this.take(answer);
      this.wait = this.data.poll_ms;
      this.trouble.hidden = true;
    } catch (error) {
      if (generation !== this.generation) return;
      this.wait = Math.min(MOST_WAIT_MS, this.wait * 2);
      this.trouble.textContent = `No answer (${error.message}); trying again…`;
      this.trouble.hidden = false;
    } finally {
      this.asking = false;
      if (!this.dead && !this.done) this.timer = setTimeout(() => this.poll(), this.wait);
    }
  }

  async ask() {
    const address = new URL(this.data.url, document.baseURI);
    address.searchParams.set("since", this.since);
    const response = await fetch(address, { headers: { accept: "application/json" } });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error || `status ${response.status}`);
    return answer;
  }

  take(answer) {
    const news = Object.values(answer.rows).some((values) => values.length);
    for (const [name, values] of Object.entries(answer.rows)) {
      this.rows.add(name);
      this.arrays[name] = (this.arrays[name] || []).concat(values);
    }
    const before = JSON.stringify([this.whole, this.marks, this.done]);
    this.whole = answer.whole;
    this.marks = answer.marks;
    Object.assign(this.arrays, answer.whole);
    this.since = answer.n;
    this.done = answer.done;
    this.drawFacts(answer.facts);
    if (news || before !== JSON.stringify([this.whole, this.marks, this.done])) this.drawAll();
  }

  // ---- drawing

  drawFacts(facts) {
    this.facts.replaceChildren(
      ...facts.map(([label, value]) => {
        const fact = node("live-fact");
        fact.append(node("live-label", label), node("live-value", value));
        return fact;
      }),
    );
  }

  drawAll() {
    if (!this.plots) return;
    this.revision += 1;
    this.data.panels.forEach((panel, index) => this.draw(panel, this.plots[index]));
  }

  draw(panel, plot) {
    const theme = themeOf(this.root);
    const traces = panel.traces.map((trace, index) => this.trace(panel, trace, theme.colors[index]));
    const layout = this.layout(panel, traces, theme);
    const drawn = this.Plotly.react(plot, traces, layout, CONFIG);
    if (plot.dataset.listens) return;
    plot.dataset.listens = "yes";
    drawn.then(() => plot.on("plotly_click", (event) => this.onClick(event)));
  }

  trace(panel, trace, color) {
    return {
      type: "scatter",
      x: this.arrays[trace.x || panel.x] || [],
      y: this.arrays[trace.y] || [],
      name: trace.name,
      mode: trace.mode,
      opacity: trace.opacity,
      yaxis: trace.axis === "right" ? "y2" : "y",
      line: { color, width: trace.width, dash: trace.dash },
      marker: { color, size: 6 },
    };
  }

  // Each axis gets an object of its own: Plotly writes into them.
  layout(panel, traces, theme) {
    const axis = (more) => ({
      gridcolor: theme.border,
      linecolor: theme.border,
      zeroline: false,
      automargin: true,
      ...more,
    });
    const layout = {
      uirevision: this.data.source_id,
      datarevision: this.revision,
      height: this.data.height_px,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: theme.text, family: theme.font, size: 13 },
      margin: { l: 8, r: 8, t: 34, b: 8 },
      hovermode: "closest",
      modebar: { bgcolor: "rgba(0,0,0,0)", color: theme.border, activecolor: theme.text },
      showlegend: panel.traces.length > 1,
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
      xaxis: axis({ title: { text: plain(panel.x_title) }, type: panel.log_x ? "log" : "linear" }),
      yaxis: axis({ title: { text: plain(panel.y_title) }, type: panel.log_y ? "log" : "linear" }),
      ...this.drawnMarks(panel, theme),
    };
    if (panel.log_x) Object.assign(layout.xaxis, { exponentformat: "power", dtick: 1 });
    if (panel.traces.some((trace) => trace.axis === "right")) {
      const title = { text: plain(panel.right_title) };
      const place = { overlaying: "y", side: "right", showgrid: false };
      layout.yaxis2 = axis({ ...place, title, tickmode: "auto" }); // not at the left axis' ticks
    }
    if (traces.every((trace) => !trace.x.length || !trace.y.length)) return this.empty(layout, theme);
    for (const [name, axisName] of [["y", "yaxis"], ["y2", "yaxis2"]]) {
      const own = traces.filter((trace) => trace.yaxis === name).flatMap((trace) => trace.y);
      const range = rangeOfConstant(own);
      if (range && layout[axisName].type !== "log") layout[axisName].range = range;
    }
    return layout;
  }

  // Axes without a line would count from -1.
  empty(layout, theme) {
    for (const name of ["xaxis", "yaxis", "yaxis2"]) if (layout[name]) layout[name].visible = false;
    const text = this.done ? "nothing was measured" : "nothing yet";
    const place = { x: 0.5, y: 0.5, xref: "paper", yref: "paper", showarrow: false };
    const annotation = { ...place, text, opacity: 0.65, font: { size: 13, color: theme.text } };
    return { ...layout, shapes: [], annotations: this.whole ? [annotation] : [] };
  }

  drawnMarks(panel, theme) {
    if (!this.rows.has(panel.x)) return {};
    const line = { color: theme.text, width: 1, dash: "dot" };
    const shapes = this.marks.map(({ x }) => {
      return { type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", line, opacity: 0.45 };
    });
    const annotations = this.marks.map(({ x, text }, index) => ({
      text: plain(text),
      x: panel.log_x ? Math.log10(x) : x, // an annotation counts in decades on a log axis
      y: 1 - 0.07 * (index % 4), // suggestions, and stages too, often lie close together
      yref: "paper",
      yanchor: "top",
      xanchor: "left",
      showarrow: false,
      font: { size: 11, color: theme.text },
    }));
    return { shapes, annotations };
  }

  onClick(event) {
    if (!this.data.can_pick || !event.points.length) return;
    const { x, y } = event.points[0];
    this.pick({ x, y, nonce: Date.now() });
  }

  purge() {
    for (const plot of this.plots || []) this.Plotly.purge(plot);
  }

  destroy() {
    this.dead = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.wake);
    if (this.Plotly) this.purge();
  }
}

const CONFIG = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d"] };

function node(className, text = null) {
  const made = document.createElement("div");
  made.className = className;
  if (text !== null) made.textContent = text;
  return made;
}

// A little room around a value that never changes; Plotly would count from 0 to its double.
function rangeOfConstant(values) {
  const numbers = values.filter(Number.isFinite);
  if (!numbers.length || numbers.some((number) => number !== numbers[0])) return null;
  const room = Math.abs(numbers[0]) / 20 || 1;
  return [numbers[0] - room, numbers[0] + room];
}

// Plotly reads a little HTML in titles: names must not become tags.
function plain(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function themeOf(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(`--st-${name}`).trim();
  return {
    colors: read("chart-categorical-colors").split(",").map((color) => color.trim()),
    text: read("text-color"),
    border: read("border-color"),
    font: read("font"),
  };
}

const mounted = new WeakMap();

// Streamlit calls this at every change of data or theme; the cleanup runs only on unmount.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".live-chart");
  let chart = mounted.get(root);
  if (!chart) mounted.set(root, (chart = new LiveChart(root)));
  chart.update(data, (point) => setTriggerValue("pick", point));
  return () => {
    chart.destroy();
    mounted.delete(root);
  };
}
