// Everything here adds to a page that is whole without it: sorting, filtering, a full-size view, sliders.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);

  // Galleries: sort, filter, and show a few until asked for more.
  const FIRST = matchMedia("(max-width: 40rem)").matches ? 4 : 6;
  const form = document.querySelector(".controls");
  const key = (card, order) => {
    if (order === "") return Number(card.dataset.rank);
    const value = JSON.parse(card.dataset.values)[Number(order)];
    return value === null ? Infinity : value;
  };
  const arrange = () => {
    const { attribute, order, reverse, all: every } = form.elements;
    const wanted = attribute ? attribute.value : "";
    const sign = reverse.checked ? -1 : 1;
    for (const gallery of all(".gallery")) {
      if (gallery.dataset.name.startsWith("finding-")) continue;
      const list = gallery.querySelector(".cards");
      const cards = [...list.children];
      cards.sort((a, b) => sign * (key(a, order.value) - key(b, order.value)) || a.dataset.rank - b.dataset.rank);
      list.append(...cards);
      let shown = 0;
      for (const card of cards) {
        const fits = wanted === "" || card.dataset.has.split(" ").includes(wanted);
        card.hidden = !fits || (shown >= FIRST && !every.checked);
        shown += card.hidden ? 0 : 1;
      }
      gallery.querySelector(".shown").textContent = shown;
    }
  };
  if (form) {
    form.addEventListener("change", arrange);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    arrange(); // a browser may have kept the choices of an earlier visit
  }

  // Full-size view of a picture; arrow keys walk through its gallery.
  const dialog = document.querySelector("dialog");
  const stage = dialog.querySelector(".stage");
  let opened = null;
  const open = (picture) => {
    opened = picture;
    const large = make("img", { src: picture.src, alt: picture.alt });
    const caption = make("p", { textContent: picture.alt });
    stage.replaceChildren(large, caption);
    const facts = picture.closest(".card")?.querySelector("dl");
    if (facts) stage.append(facts.cloneNode(true));
    if (!dialog.open) dialog.showModal();
  };
  for (const picture of all("img.picture, .card > img")) {
    const button = make("button", { type: "button", className: "open" });
    button.setAttribute("aria-label", `Enlarge: ${picture.alt}`);
    picture.replaceWith(button);
    button.append(picture);
    button.addEventListener("click", () => open(picture));
  }
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const list = opened?.closest(".cards");
    if (!step || !list) return;
    const pictures = all(".card:not([hidden]) img", list);
    const next = pictures[pictures.indexOf(opened) + step];
    if (next) open(next);
    event.preventDefault();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => opened?.closest("button")?.focus());

  // Tables: a button in each heading sorts by what stands behind the cells.
  const sortKey = (cell) => (cell.dataset.exact === undefined ? cell.textContent.trim() : Number(cell.dataset.exact));
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1; // what has no number comes last
    return a.localeCompare(b, "en", { numeric: true });
  };
  for (const table of all("table.sortable")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    all("thead th", table).forEach((heading) => {
      const column = heading.cellIndex;
      const button = make("button", { type: "button", className: "sort" });
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const now = heading.getAttribute("aria-sort");
        const next = now === "descending" ? "ascending" : now === "ascending" ? null : "descending";
        all("th", table).forEach((other) => other.removeAttribute("aria-sort"));
        if (next) heading.setAttribute("aria-sort", next);
        const sign = next === "ascending" ? 1 : -1;
        const order = (a, b) => sign * compare(sortKey(a.cells[column]), sortKey(b.cells[column]));
        body.append(...(next ? [...rows].sort(order) : rows));
      });
    });
  }

  // Strips: a slider shows one step of one strip, its faces side by side.
  for (const strips of all(".strips")) {
    const lens = strips.querySelector(".lens");
    const canvas = lens.querySelector("canvas");
    const [choice, slider, output] = ["select", "input", "output"].map((tag) => lens.querySelector(tag));
    const items = all("ol > li", strips);
    const several = items.some((item) => Number(item.dataset.rows) > 1);
    const draw = () => {
      const item = items[Number(choice.value)];
      const picture = item.querySelector("img");
      const steps = JSON.parse(item.dataset.steps);
      const rows = Number(item.dataset.rows);
      slider.max = steps.length - 1;
      const step = Number(slider.value);
      const [width, height] = [picture.naturalWidth / steps.length, picture.naturalHeight / rows];
      canvas.width = width * rows;
      canvas.height = height;
      const pen = canvas.getContext("2d");
      for (let row = 0; row < rows; row++) {
        pen.drawImage(picture, step * width, row * height, width, height, row * width, 0, width, height);
      }
      const name = item.querySelector("b").textContent;
      output.textContent = steps[step];
      slider.setAttribute("aria-valuetext", steps[step]);
      canvas.setAttribute("aria-label", `${name}, ${strips.dataset.quantity} ${steps[step]}`);
      items.forEach((other) => {
        other.classList.toggle("chosen", other === item);
        other.hidden = several && other !== item;
      });
    };
    choice.addEventListener("change", draw);
    slider.addEventListener("input", draw);
    items.forEach((item, index) => item.querySelector("img").addEventListener("click", (event) => {
      const box = event.target.getBoundingClientRect();
      const steps = JSON.parse(item.dataset.steps).length;
      choice.value = index;
      slider.value = Math.min(steps - 1, Math.floor(((event.clientX - box.left) / box.width) * steps));
      draw();
    }));
    Promise.all(items.map((item) => item.querySelector("img").decode())).then(() => {
      lens.hidden = false;
      strips.classList.add("live");
      draw();
    });
  }

  // On paper every strip is shown; a link opens what its target is folded in; a small screen has its contents closed.
  addEventListener("beforeprint", () => all(".strips li[hidden]").forEach((item) => (item.hidden = false)));
  addEventListener("afterprint", () => {
    all(".strips.live select").forEach((choice) => choice.dispatchEvent(new Event("change")));
  });
  const unfold = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const around = target && (target.closest("details") ?? target.querySelector(":scope.appendix > details"));
    if (!around || around.open) return;
    around.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();
  const contents = document.querySelector("nav details");
  if (matchMedia("(max-width: 75.9rem)").matches) contents.open = false;

  // The contents say where the reader is.
  const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
  const visible = new Set();
  const watch = new IntersectionObserver((entries) => {
    entries.forEach(({ target, isIntersecting }) => visible[isIntersecting ? "add" : "delete"](target.id));
    const first = [...links.keys()].find((id) => visible.has(id));
    links.forEach((link, id) => (id === first ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
  }, { rootMargin: "-10% 0px -60% 0px" });
  all("section").forEach((section) => watch.observe(section));
})();
