"use strict";
// Draws the mesh from the data in #grid, filters it, and leads from a pair to its host. The page
// says all that is essential without this. Texts become text nodes, never markup.
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const $ = (id) => document.getElementById(id);
  const el = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const counted = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

  // Light or dark

  const theme = $("theme");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const tellTheme = () => theme.setAttribute("aria-pressed", String(isDark()));
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    tellTheme();
  });
  system.addEventListener("change", tellTheme);
  tellTheme();

  // To a host's section, and all of them open on paper

  const sectionOf = (label) => $(`host-${label}`);
  const reveal = () => {
    let label = "";
    try { label = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const section = label.startsWith("host-") ? $(label) : null;
    if (!section) return;
    section.hidden = false;
    section.open = true;
    section.scrollIntoView({ block: "start" });
    section.querySelector("summary").focus({ preventScroll: true });
  };
  const go = (label) => {
    if (!sectionOf(label)) return;
    const hash = `#host-${encodeURIComponent(label)}`;
    if (location.hash === hash) reveal();
    else location.hash = hash;
  };
  window.addEventListener("hashchange", reveal);
  const closed = new Set();
  window.addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details.host:not([open]):not(.still)")) {
      closed.add(one);
      one.open = true;
    }
  });
  window.addEventListener("afterprint", () => {
    for (const one of closed) one.open = false;
    closed.clear();
  });

  const source = $("grid");
  if (!source) { reveal(); return; }

  // The mesh

  const { services, targets, groups, meshes, rows, unread } = JSON.parse(source.textContent);
  const STATES = { c: "complete", p: "partial", m: "missing", u: "unexpected", k: "kept" };
  const PROBLEMS = ["missing", "partial", "unexpected", "kept"];
  const LIMIT = 128 * 128; // pairs that are drawn at once; more are folded by mesh
  const BLOCK = 64; // hosts of a part of a mesh that is larger than that
  const groupOf = [];
  groups.forEach(([, members], g) => members.forEach((one) => { groupOf[one] = g; }));
  const reaches = groups.map(([, , others]) => new Set(others));
  const known = new Map(rows.map(([position, flags, cells]) => {
    const whole = cells.map((cell) => (Array.isArray(cell) ? cell : [cell, "m", 0]));
    return [position, { flags, cells: new Map(whole.map((cell) => [cell[0], cell])) }];
  }));
  const label = (position) => targets[position][0];
  const wanted = (from, to) => from !== to && reaches[groupOf[from]].has(groupOf[to]);
  const everyone = targets.map((_, position) => position);
  const hosts = everyone.filter((position) => targets[position][3]);
  const scope = hosts.filter((one) => known.has(one) || unread.includes(one));

  const stateOf = (from, to) => {
    const row = known.get(from);
    if (!row) return "unread";
    const cell = row.cells.get(to);
    if (cell) return STATES[cell[1]];
    if (wanted(from, to)) return "complete";
    return from === to ? "self" : "outside";
  };
  const asking = meshes.map(([, sources, ends, asked]) => [new Set(sources), new Set(ends), asked]);
  // Which services the source reaches the target by: the bits of all meshes that have the pair.
  const askedOf = (from, to) => (targets[to][3]
    ? asking.reduce((bits, [sources, ends, asked]) => (sources.has(from) && ends.has(to) ? bits | asked : bits), 0)
    : -1);
  const valuesOf = (to) => {
    const [, short, fqdn, isHost, paths] = targets[to];
    return isHost ? services.flatMap((service) => [`${service}/${short}`, `${service}/${fqdn}`]) : paths;
  };
  // Each value towards a target with whether it is there and its place among four, and what else is.
  const inside = (from, to) => {
    const cell = known.get(from)?.cells.get(to);
    const bits = cell ? cell[2] : -1;
    if (!known.has(from) || !wanted(from, to)) return { values: [], extra: cell?.[3] ?? [] };
    const asked = askedOf(from, to); // of each service two values
    const values = valuesOf(to).map((value, i) => [value, Boolean(bits >> i & 1), i]).filter(([, , i]) => asked >> (i >> 1) & 1);
    return { values, extra: cell?.[3] ?? [] };
  };
  const surprising = (from, to) => inside(from, to).extra.some(([, , , unexpected]) => unexpected);
  const isLike = (from, to, states) => states.includes(stateOf(from, to))
    || (states.includes("unexpected") && surprising(from, to));
  const WORDS = {
    complete: "complete", partial: "partial", missing: "missing", unexpected: "unexpected",
    kept: "kept", outside: "outside the mesh by design", self: "the host itself", unread: "no account was read",
  };
  const spoken = (from, to) => {
    const state = stateOf(from, to);
    const { values, extra } = inside(from, to);
    const there = values.filter(([, is]) => is).length;
    let text = `${label(from)} to ${label(to)}: ${WORDS[state]}`;
    if (state === "partial") {
      text += `, ${there} of ${values.length} values, without ${values.filter(([, is]) => !is).map(([v]) => v).join(", ")}`;
    }
    for (const [value, standing] of extra) text += `; ${standing}: ${value}`;
    return text;
  };

  // What is shown: a filter on everything, and the part of it that was opened

  const query = $("query");
  const which = $("which");
  const form = $("filter");
  meshes.forEach(([name], i) => which.append(el("option", { value: i }, name)));
  let opened = null; // [sources, targets, title] of a block that was opened

  // hv[01-08],hv12 as the command line has it; else any part of a name.
  const sought = () => {
    const text = query.value.trim().toLowerCase();
    if (!text) return null;
    const names = new Set();
    const parts = text.split(/[\s,]+(?![^[]*\])/).filter(Boolean);
    for (const part of parts) {
      const match = /^([^[\]]*)\[([\d,\s-]+)\]([^[\]]*)$/.exec(part);
      if (!match) continue;
      for (const piece of match[2].split(",")) {
        const [low, high = low] = piece.split("-").map((n) => n.trim());
        for (let n = Number(low); n <= Math.min(Number(high), Number(low) + 20000); n += 1) {
          names.add(match[1] + String(n).padStart(low.length, "0") + match[3]);
        }
      }
    }
    return (position) => {
      const [name, short, fqdn] = targets[position].map((one) => String(one).toLowerCase());
      return names.has(name) || names.has(short) || parts.some((part) => !part.includes("[")
        && (name.includes(part) || short.includes(part) || fqdn.includes(part)));
    };
  };
  const chosen = () => [...form.querySelectorAll("[name=state]:checked")].map((box) => box.value);

  const selection = () => {
    const find = sought();
    const states = chosen();
    let [from, to] = opened ?? [scope, everyone];
    if (which.value !== "") {
      const [sources, ends] = asking[Number(which.value)];
      from = from.filter((one) => sources.has(one));
      to = to.filter((one) => ends.has(one)
        || (!targets[one][3] && from.some((source) => wanted(source, one))));
    }
    const bySearch = find ? from.filter(find) : from;
    if (find) {
      const aimed = to.filter(find);
      if (bySearch.length) from = bySearch;
      else if (aimed.length) to = aimed;
      else { from = []; to = []; }
    }
    if (states.length) {
      const near = new Set(to);
      const cols = new Set();
      from = from.filter((f) => {
        let any = false;
        for (const t of known.get(f)?.cells.keys() ?? []) {
          if (near.has(t) && isLike(f, t, states)) { cols.add(t); any = true; }
        }
        return any;
      });
      to = to.filter((t) => cols.has(t));
    }
    return { from, to, states, find };
  };

  // Drawing

  const frame = $("frame");
  const detail = $("detail");
  const shown = $("shown");
  let grid = null; // { table, rows: [[element, ...], ...] }: what the arrow keys move over, heads included
  let at = [1, 1];

  const flagsOf = (position) => {
    const row = known.get(position);
    if (!row) return [];
    const [found, declared, unconstrained, disabled] = row.flags;
    const flags = [];
    const flag = (letter, kind, title) => flags.push(el("span", { class: `flag ${kind}`, title, "aria-label": title, role: "img" }, letter));
    if (found !== declared) flag("T", "off", `protocol transition is ${found ? "on" : "off"}, declared ${declared ? "on" : "off"}`);
    else if (found) flag("T", "", "protocol transition, as declared");
    if (unconstrained) flag("U", "open", "unconstrained delegation");
    if (disabled) flag("D", "off", "account disabled");
    return flags;
  };
  const head = (position, scopeName) => {
    const name = label(position);
    const inner = sectionOf(name)
      ? el("a", { href: `#host-${encodeURIComponent(name)}`, tabindex: "-1" }, name)
      : el("span", { tabindex: "-1" }, name);
    const th = el("th", { scope: scopeName }, inner);
    if (scopeName === "row") th.append(...flagsOf(position));
    return { th, inner };
  };

  const drawMatrix = ({ from, to, states, find }) => {
    const table = el("table", { role: "grid", class: "grid", "aria-label": `Mesh: ${counted(from.length, "source")}, ${counted(to.length, "target")}` });
    const tr = el("tr", {}, el("td", {}));
    const heads = [null];
    for (const t of to) {
      const { th, inner } = head(t, "col");
      if (find && find(t)) th.classList.add("sought");
      tr.append(th);
      heads.push(inner);
    }
    table.append(el("thead", {}, tr));
    const body = el("tbody");
    const cells = [heads];
    for (const f of from) {
      const { th, inner } = head(f, "row");
      const line = el("tr", {}, th);
      const elements = [inner];
      for (const t of to) {
        const state = stateOf(f, t);
        const { values } = inside(f, t);
        let classes = `c ${state}`;
        if (state === "partial") values.forEach(([, is, place]) => { if (is) classes += ` b${place}`; });
        if (values.length && surprising(f, t)) classes += " extra";
        if (states.length && !isLike(f, t, states)) classes += " dim";
        const td = el("td", { class: classes, tabindex: "-1", "aria-label": spoken(f, t) });
        td.pair = [f, t];
        line.append(td);
        elements.push(td);
      }
      body.append(line);
      cells.push(elements);
    }
    table.append(body);
    return { table, cells };
  };

  // Parts of an axis: groups that are wanted alike, cut into pieces where they are large.
  const parts = (positions) => {
    const byGroup = new Map();
    for (const one of positions) {
      if (!byGroup.has(groupOf[one])) byGroup.set(groupOf[one], []);
      byGroup.get(groupOf[one]).push(one);
    }
    const found = [];
    for (const [g, members] of byGroup) {
      for (let i = 0; i < members.length; i += BLOCK) {
        const piece = members.slice(i, i + BLOCK);
        const whole = members.length <= BLOCK;
        const name = whole ? groups[g][0] : `${groups[g][0]}: ${label(piece[0])} to ${label(piece[piece.length - 1])}`;
        found.push({ name, members: piece });
      }
    }
    return found;
  };
  const tallied = (from, to) => {
    const counts = {};
    const near = new Set(to);
    let odd = 0;
    let pairs = 0;
    for (const f of from) {
      for (const t of known.get(f)?.cells.keys() ?? []) {
        if (!near.has(t)) continue;
        const state = stateOf(f, t);
        if (wanted(f, t)) odd += 1;
        counts[state] = (counts[state] ?? 0) + 1;
        if (state !== "unexpected" && surprising(f, t)) counts.unexpected = (counts.unexpected ?? 0) + 1;
      }
    }
    if (from.length && to.length && reaches[groupOf[from[0]]].has(groupOf[to[0]])) {
      const ends = new Set(to);
      pairs = from.filter((f) => known.has(f)).reduce((sum, f) => sum + to.length - (ends.has(f) ? 1 : 0), 0);
    }
    counts.complete = (counts.complete ?? 0) + pairs - odd;
    return { counts, pairs };
  };

  const drawOverview = ({ from, to }) => {
    const ups = parts(from);
    const across = parts(to);
    const table = el("table", { role: "grid", class: "grid folded", "aria-label": `Overview: ${counted(ups.length, "part")} of the mesh by ${across.length}` });
    const tr = el("tr", {}, el("td", {}));
    const heads = [null];
    for (const { name } of across) {
      const inner = el("span", { tabindex: "-1" }, name);
      tr.append(el("th", { scope: "col" }, inner));
      heads.push(inner);
    }
    table.append(el("thead", {}, tr));
    const body = el("tbody");
    const cells = [heads];
    for (const up of ups) {
      const inner = el("span", { tabindex: "-1" }, `${up.name} (${up.members.length})`);
      const line = el("tr", {}, el("th", { scope: "row" }, inner));
      const elements = [inner];
      for (const over of across) {
        const { counts, pairs } = tallied(up.members, over.members);
        const worst = PROBLEMS.find((state) => counts[state]);
        const state = worst ?? (pairs ? "complete" : "outside");
        const bad = PROBLEMS.reduce((sum, one) => sum + (one === "kept" ? 0 : counts[one] ?? 0), 0);
        const told = Object.entries(counts).filter(([, n]) => n).map(([name, n]) => `${n.toLocaleString("en")} ${name}`);
        const td = el("td", { class: `tile ${state}`, tabindex: "-1", "aria-label": `${up.name} to ${over.name}: ${told.join(", ") || "outside the mesh by design"}` });
        if (state === "outside") td.append("\u00b7");
        else td.append(el("span", { class: `mark ${state}`, "aria-hidden": "true" }), bad ? bad.toLocaleString("en") : "");
        td.block = [up, over, counts, pairs];
        line.append(td);
        elements.push(td);
      }
      body.append(line);
      cells.push(elements);
    }
    table.append(body);
    return { table, cells };
  };

  const fit = () => {
    if (!grid) return;
    const columns = grid.cells[0].length - 1;
    const folded = grid.table.classList.contains("folded");
    const edge = grid.table.querySelector("tbody th")?.offsetWidth ?? 80;
    const size = Math.floor((frame.clientWidth - edge - 12) / Math.max(1, columns));
    const [low, high] = folded ? [38, 84] : [11, columns > 40 ? 22 : 34];
    grid.table.style.setProperty("--size", `${Math.max(low, Math.min(high, size))}px`);
    grid.table.style.setProperty("--columns", String(Math.max(columns, 20)));
  };

  const draw = () => {
    const view = selection();
    const { from, to } = view;
    frame.replaceChildren();
    hint();
    if (opened) {
      const back = el("button", { type: "button" }, "Back to the overview");
      back.addEventListener("click", () => { opened = null; draw(); focusAt(); });
      frame.append(el("p", { class: "trail" }, back, opened[2]));
    }
    if (!from.length || !to.length) {
      grid = null;
      frame.append(el("p", { class: "note" }, "No pair is like that."));
    } else {
      grid = from.length * to.length > LIMIT ? drawOverview(view) : drawMatrix(view);
      frame.append(grid.table);
      at = [1, 1];
      stop().setAttribute("tabindex", "0");
      fit();
    }
    shown.textContent = `${from.length.toLocaleString("en")} of ${counted(scope.length, "source")}, `
      + `${to.length.toLocaleString("en")} of ${counted(targets.length, "target")}`
      + (from.length * to.length > LIMIT ? ". Too many for one picture: folded by mesh. Open a part of it, or filter." : "");
    listHosts(view);
  };

  const listHosts = ({ from, find, states }) => {
    const wide = !find && !states.length && which.value === "" && !opened;
    const names = new Set(from.map(label));
    let count = 0;
    let all = 0;
    for (const one of document.querySelectorAll("[data-host]")) {
      one.hidden = !wide && !names.has(one.dataset.host);
      if (one.tagName === "TR") { all += 1; if (!one.hidden) count += 1; }
    }
    const note = $("hosts-shown");
    note.hidden = wide;
    note.textContent = `${count.toLocaleString("en")} of ${counted(all, "host")}: those that the mesh above is filtered to.`;
  };

  // The pair under the pointer or the focus

  const explain = (td) => {
    for (const one of grid.table.querySelectorAll("th.here")) one.classList.remove("here");
    const line = td.parentElement;
    line.firstElementChild.classList.add("here");
    grid.cells[0][[...line.children].indexOf(td)]?.parentElement.classList.add("here");
    if (td.block) { explainBlock(td.block); return; }
    const [f, t] = td.pair;
    const state = stateOf(f, t);
    const { values, extra } = inside(f, t);
    const list = el("ul");
    for (const [value, is] of values) {
      list.append(el("li", { class: is ? "there" : "gone" }, el("code", {}, value), el("span", { class: "quiet" }, is ? "there" : "missing")));
    }
    for (const [value, standing, reason, unexpected] of extra) {
      list.append(el("li", { class: unexpected ? "more" : "stays" }, el("code", {}, value), el("span", { class: "quiet" }, `${standing}: ${reason}`)));
    }
    detail.replaceChildren(
      el("h3", {}, `${label(f)} \u2192 ${label(t)}`),
      el("p", { class: "state" }, el("span", { class: `mark ${state}`, "aria-hidden": "true" }), WORDS[state]),
      list,
      el("p", { class: "quiet keys" }, sectionOf(label(f)) ? `Click or Enter: all of ${label(f)}` : ""),
    );
    if (state === "partial") {
      const mark = detail.querySelector(".mark");
      mark.classList.replace("mark", "c");
      mark.classList.add("mark");
      values.forEach(([, is, place]) => { if (is) mark.classList.add(`b${place}`); });
    }
  };
  const explainBlock = ([up, over, counts, pairs]) => {
    const opens = pairs || PROBLEMS.some((state) => counts[state]);
    const list = el("ul");
    for (const [state, n] of Object.entries(counts)) {
      if (n) list.append(el("li", {}, el("span", { class: `mark ${state}`, "aria-hidden": "true" }), `${n.toLocaleString("en")} ${state}`));
    }
    detail.replaceChildren(
      el("h3", {}, `${up.name} \u2192 ${over.name}`),
      el("p", { class: "state" }, pairs ? counted(pairs, "pair") : "outside the mesh by design"),
      list,
      el("p", { class: "quiet keys" }, opens ? "Click or Enter: open it" : ""),
    );
  };
  const hint = () => detail.replaceChildren(
    el("h3", {}, "Point at a pair"),
    el("p", { class: "quiet" }, "Or press Tab to come to the mesh and go over it with the arrow keys. Click or Enter leads to the source\u2019s section."),
    el("p", { class: "quiet" }, "The square\u2019s quarters are the four values: cifs above, migration service below; short name left, FQDN right."),
    el("p", { class: "quiet" }, "T protocol transition, U unconstrained, D disabled. Filled: not as declared."),
  );

  // Moving about: one tab stop, arrow keys within (WAI-ARIA grid pattern)

  const stop = () => grid.cells[at[0]][at[1]] ?? grid.cells[1][1];
  const focusAt = () => { if (grid) stop().focus(); };
  const move = (row, column) => {
    const height = grid.cells.length - 1;
    const width = grid.cells[0].length - 1;
    let next = [Math.max(0, Math.min(height, row)), Math.max(0, Math.min(width, column))];
    if (next[0] === 0 && next[1] === 0) next = at;
    stop().setAttribute("tabindex", "-1");
    at = next;
    stop().setAttribute("tabindex", "0");
    focusAt();
  };
  const open = (td) => {
    if (td.pair) go(label(td.pair[0]));
    if (!td.block || td.classList.contains("outside")) return;
    const [up, over] = td.block;
    opened = [up.members, over.members, `${up.name} \u2192 ${over.name}`];
    draw();
    focusAt();
  };
  const cellOf = (event) => event.target.closest?.("td[tabindex]");
  frame.addEventListener("mouseover", (event) => { const td = cellOf(event); if (td) explain(td); });
  frame.addEventListener("focusin", (event) => {
    const td = cellOf(event);
    if (td) explain(td);
    if (!grid) return;
    const target = td ?? event.target;
    const row = grid.cells.findIndex((line) => line.includes(target));
    if (row < 0) return;
    stop().setAttribute("tabindex", "-1");
    at = [row, grid.cells[row].indexOf(target)];
    stop().setAttribute("tabindex", "0");
  });
  frame.addEventListener("click", (event) => { const td = cellOf(event); if (td) open(td); });
  frame.addEventListener("keydown", (event) => {
    if (!grid || event.altKey || event.metaKey || !grid.table.contains(event.target)) return;
    const [row, column] = at;
    const last = [grid.cells.length - 1, grid.cells[0].length - 1];
    const steps = {
      ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      PageUp: [Math.max(1, row - 10), column], PageDown: [row + 10, column],
      Home: event.ctrlKey ? [1, 1] : [row, 1], End: event.ctrlKey ? last : [row, last[1]],
    };
    const td = cellOf(event);
    if (steps[event.key]) { event.preventDefault(); move(...steps[event.key]); }
    else if (td && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); open(td); }
  });

  let waiting = 0;
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(draw, 120); };
  query.addEventListener("input", soon);
  form.addEventListener("change", (event) => {
    if (event.target === which) opened = null;
    if (event.target !== query) draw();
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); draw(); });
  form.addEventListener("reset", () => { opened = null; setTimeout(draw); });
  window.addEventListener("resize", fit);

  // Every value of a host, when its section is opened and asks for it

  document.addEventListener("toggle", (event) => {
    const section = event.target;
    if (!section.open || !section.matches?.("details.host") || section.querySelector(".every")) return;
    const from = hosts.find((one) => label(one) === section.dataset.host);
    const row = known.get(from);
    if (!row) return;
    const list = el("ul");
    let count = 0;
    for (const to of everyone) {
      const { values, extra } = inside(from, to);
      for (const [value] of [...values.filter(([, is]) => is), ...extra]) {
        count += 1;
        list.append(el("li", {}, el("code", {}, value)));
      }
    }
    if (count) section.append(el("details", { class: "every" }, el("summary", {}, `Every value towards the inventory\u2019s hosts and file servers (${count.toLocaleString("en")})`), list));
  }, true);

  draw();
  reveal();
})();
