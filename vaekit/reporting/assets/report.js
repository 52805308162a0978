// Sorts, filters and shortens the galleries. Without it every card stands in its ranked order.
(() => {
  const FIRST = 9; // three rows of a wide page
  const form = document.querySelector(".controls");
  if (!form) return;
  const apply = () => {
    const attribute = form.elements.attribute ? form.elements.attribute.value : "";
    const order = form.elements.order.value;
    const sign = form.elements.reverse.checked ? -1 : 1;
    const key = (card) => {
      if (order === "") return Number(card.dataset.rank);
      const value = JSON.parse(card.dataset.values)[Number(order)];
      return value === null ? Infinity : value;
    };
    for (const list of document.querySelectorAll(".cards")) {
      const cards = [...list.children];
      cards.sort((a, b) => sign * (key(a) - key(b)) || a.dataset.rank - b.dataset.rank);
      list.append(...cards);
      let shown = 0;
      for (const card of cards) {
        const fits = attribute === "" || card.dataset.has.split(" ").includes(attribute);
        card.hidden = !fits || (shown >= FIRST && !form.elements.all.checked);
        shown += card.hidden ? 0 : 1;
      }
      list.previousElementSibling.querySelector(".shown").textContent = shown;
    }
  };
  form.addEventListener("change", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply(); // a browser may have kept the choices of an earlier visit
})();
