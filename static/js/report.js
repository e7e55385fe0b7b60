// Draws the charts from the page's own tables, and listens to D W M Y and C; the page is complete without it.
(() => {
  "use strict";

  const MOST_BARS = 10;
  // The kind whose bars lie on their side: names need room. Those that go by time stand.
  const LYING = "bar";

  const columnOf = (table, name) => [...table.tHead.rows[0].cells].findIndex((cell) => cell.dataset.name === name);

  // What the table has, row by row: key sorts, shown is what it says of each value.
  function points(table, label, columns) {
    const labels = columnOf(table, label);
    return [...table.tBodies[0].rows].map((row) => ({
      key: row.cells[labels].dataset.plain,
      label: row.cells[labels].textContent.trim(),
      values: columns.map((column) => Number(row.cells[column].dataset.plain)),
      shown: columns.map((column) => row.cells[column].textContent.trim()),
    }));
  }

  function chosen(kind, all) {
    // Intervals go by time, however the table is sorted; few bars keep its order, of many the largest are drawn.
    if (kind !== LYING) return all.sort((a, b) => (a.key < b.key ? -1 : 1));
    return all.length > MOST_BARS ? all.sort((a, b) => b.values[0] - a.values[0]).slice(0, MOST_BARS) : all;
  }

  function dataset(name, number, drawn, look) {
    const colour = look.colours[number];
    return {
      label: look.names[number],
      data: drawn.map((point) => point.values[number]),
      borderColor: colour,
      backgroundColor: colour,
      borderWidth: look.kind === "line" ? 2 : 0,
      borderDash: name === look.dashed ? [5, 4] : [],
      pointRadius: drawn.length > 60 ? 0 : 2.5,
      maxBarThickness: 28,
    };
  }

  function look(canvas, table, names, columns) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    return {
      kind: canvas.dataset.kind,
      dashed: canvas.dataset.dashed,
      colours: [colour("--bs-link-color"), colour(names[1] === canvas.dataset.dashed ? "--bs-secondary" : "--bs-orange")],
      names: columns.map((column) => table.tHead.rows[0].cells[column].textContent.replace(/[↑↓]/, "").trim()),
      text: colour("--bs-body-color"),
      grid: colour("--bs-border-color"),
      room: canvas.closest("figure").clientWidth < 500 ? 14 : 24,
    };
  }

  function settings(names, drawn, seen) {
    const isLying = seen.kind === LYING;
    const axis = { ticks: { color: seen.text, maxRotation: 0, autoSkip: !isLying }, grid: { color: seen.grid } };
    const short = (label) => (label.length > seen.room ? `${label.slice(0, seen.room - 1)}…` : label);
    const stacked = seen.kind === "bar-in-time";
    return {
      type: seen.kind === "line" ? "line" : "bar",
      data: {
        labels: drawn.map((point) => point.label),
        datasets: names.map((name, number) => dataset(name, number, drawn, seen)),
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        indexAxis: isLying ? "y" : "x",
        interaction: { mode: "index", axis: isLying ? "y" : "x", intersect: false },
        scales: {
          x: { ...axis, stacked, beginAtZero: true },
          y: {
            ...axis,
            stacked,
            beginAtZero: true,
            ticks: {
              ...axis.ticks,
              callback(tick) { return isLying ? short(this.getLabelForValue(tick)) : tick.toLocaleString("en"); },
            },
          },
        },
        plugins: {
          legend: { display: names.length > 1, labels: { color: seen.text, boxWidth: 24, boxHeight: 2 } },
          tooltip: {
            callbacks: {
              label: (item) => `${names.length > 1 ? `${item.dataset.label}: ` : ""}${drawn[item.dataIndex].shown[item.datasetIndex]}`,
            },
          },
        },
      },
    };
  }

  const charts = new Map();
  function drawOne(canvas) {
    const table = document.getElementById(canvas.dataset.table);
    if (!table || !window.Chart) return;
    if (charts.has(canvas)) charts.get(canvas).destroy();
    const { kind, label } = canvas.dataset;
    const names = canvas.dataset.values.split(" ");
    const columns = names.map((name) => columnOf(table, name));
    canvas.closest("figure").hidden = false;
    const drawn = chosen(kind, points(table, label, columns));
    charts.set(canvas, new window.Chart(canvas, settings(names, drawn, look(canvas, table, names, columns))));
  }
  const draw = () => document.querySelectorAll(".chart canvas").forEach(drawOne);
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
