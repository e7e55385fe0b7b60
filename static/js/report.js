// Draws the chart from the page's own table, and listens to D W M Y and C; the page is complete without it.
(() => {
  "use strict";

  const table = document.getElementById("report-table");
  const canvas = document.querySelector(".chart canvas");
  const MOST_BARS = 10;

  function columnOf(name) {
    return [...table.tHead.rows[0].cells].findIndex((cell) => cell.dataset.name === name);
  }

  // [{key, label, value, shown}]: key sorts, shown is what the table says.
  function points(label, value) {
    const [labels, values] = [columnOf(label), columnOf(value)];
    return [...table.tBodies[0].rows].map((row) => ({
      key: row.cells[labels].dataset.plain,
      label: row.cells[labels].textContent.trim(),
      value: Number(row.cells[values].dataset.plain),
      shown: row.cells[values].textContent.trim(),
    }));
  }

  function chosen(kind, all) {
    // Intervals go by time, however the table is sorted; bars are the largest first.
    if (kind === "line") return all.sort((a, b) => (a.key < b.key ? -1 : 1));
    return all.sort((a, b) => b.value - a.value).slice(0, MOST_BARS);
  }

  function settings(kind, drawn) {
    const style = getComputedStyle(document.documentElement);
    const colour = style.getPropertyValue("--bs-link-color").trim();
    const text = style.getPropertyValue("--bs-body-color").trim();
    const grid = style.getPropertyValue("--bs-border-color").trim();
    const axis = { ticks: { color: text, maxRotation: 0, autoSkip: kind === "line" }, grid: { color: grid } };
    const room = canvas.closest("figure").clientWidth < 500 ? 14 : 24;
    const short = (label) => (label.length > room ? `${label.slice(0, room - 1)}…` : label);
    return {
      type: kind,
      data: {
        labels: drawn.map((point) => point.label),
        datasets: [{
          data: drawn.map((point) => point.value),
          borderColor: colour,
          backgroundColor: colour,
          borderWidth: kind === "line" ? 2 : 0,
          pointRadius: drawn.length > 60 ? 0 : 2.5,
          maxBarThickness: 28,
        }],
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        indexAxis: kind === "bar" ? "y" : "x",
        interaction: { mode: "index", axis: kind === "bar" ? "y" : "x", intersect: false },
        scales: {
          x: { ...axis, beginAtZero: true },
          y: {
            ...axis,
            beginAtZero: true,
            ticks: {
              ...axis.ticks,
              callback(tick) { return kind === "bar" ? short(this.getLabelForValue(tick)) : tick.toLocaleString("en"); },
            },
          },
        },
        plugins: {
          legend: { display: false },
          tooltip: { callbacks: { label: (item) => drawn[item.dataIndex].shown } },
        },
      },
    };
  }

  let chart = null;
  function draw() {
    if (!table || !canvas || !window.Chart) return;
    if (chart) chart.destroy();
    canvas.closest("figure").hidden = false;
    const { kind, label, value } = canvas.dataset;
    chart = new window.Chart(canvas, settings(kind, chosen(kind, points(label, value))));
  }
  draw();
  // Colours follow the theme, which theme.js has set by the time of the next frame.
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => requestAnimationFrame(draw));
  window.addEventListener("beforeprint", draw);
  window.addEventListener("afterprint", draw);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const target = document.querySelector(`[aria-keyshortcuts="${CSS.escape(event.key.toUpperCase())}"]`);
    if (!target) return;
    event.preventDefault();
    if (target.matches("input")) target.focus();
    else target.click();
  });
})();
