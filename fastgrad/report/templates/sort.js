
// Sort a table by the column whose header is clicked; a second click reverses the order.
const value = cell => {
  const text = cell.textContent.replace(/[,%]/g, "").trim();
  if (text === "> 1" || text === "NaN" || text === "failed") return Infinity;
  return text === "" || isNaN(text) ? NaN : Number(text);
};
const order = (a, b) => {
  const x = value(a), y = value(b);
  if (!isNaN(x) && !isNaN(y)) return x === y ? 0 : x < y ? -1 : 1;
  return isNaN(x) && isNaN(y) ? a.textContent.localeCompare(b.textContent) : isNaN(x) ? 1 : -1;
};
for (const header of document.querySelectorAll("thead th")) {
  header.tabIndex = 0;
  header.classList.add("sortable");
  const sort = () => {
    const table = header.closest("table"), body = table.tBodies[0], column = header.cellIndex;
    const up = header.ariaSort !== "ascending";
    for (const other of table.querySelectorAll("thead th")) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...body.rows].sort((a, b) => (up ? 1 : -1) * order(a.cells[column], b.cells[column]));
    body.append(...rows);
  };
  header.addEventListener("click", sort);
  header.addEventListener("keydown", event => event.key === "Enter" && sort());
}
