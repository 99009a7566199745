"use strict";
(() => {
  const setup = JSON.parse(document.getElementById("setup").textContent);
  const inputs = [...document.querySelectorAll("#sliders input")];
  const position = setup.sliders.map(slider => slider.own);

  // Of a file: the views of all positions, their drawn columns as float32 one after the other.
  function unpack(text) {
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Float32Array.from({length: bytes.length / 4}, (_, k) => view.getFloat32(4 * k, true));
  }
  const drawn = {};
  for (const [name, columns] of Object.entries(setup.drawn ?? {}))
    drawn[name] = Object.fromEntries(Object.entries(columns).map(([column, text]) => [column, unpack(text)]));

  function stored(number) {
    const view = setup.views[number], count = setup.views.length, columns = structuredClone(view.points);
    for (const [name, given] of Object.entries(drawn)) {
      columns[name] = {...columns[name]};
      for (const [column, values] of Object.entries(given)) {
        const length = values.length / count;
        columns[name][column] = values.slice(number * length, (number + 1) * length);
      }
    }
    return {...view, columns};
  }

  const page = {ready: false, shown: null, show};
  window.adamsym = page;

  function write(id, text) {
    const place = document.getElementById(id);
    if (place.textContent !== text) place.textContent = text;
  }

  function words(view) {
    write("headline", view.words.headline);
    const body = document.querySelector("#zeros tbody");
    body.replaceChildren(...view.rows.map(row => {
      const line = document.createElement("tr");
      line.append(...row.map(text => {
        const cell = document.createElement("td");
        cell.textContent = text;
        return cell;
      }));
      return line;
    }));
    document.getElementById("zeros").hidden = view.rows.length === 0;
    write("proof", view.words.proof || setup.without);
    document.querySelector(".proof").classList.toggle("certified", view.words.verdict === "certified");
  }

  function show(view) {
    const found = Bokeh.documents[0];
    for (const [name, columns] of Object.entries(view.columns)) {
      const source = found.get_model_by_name(name + "_columns");
      if (source !== null) source.data = {...Object.fromEntries(Object.entries(source.data)), ...columns};
    }
    for (const [name, [start, end]] of Object.entries(view.ranges))
      found.get_model_by_name(name)?.setv({start, end});
    for (const [name, text] of Object.entries(view.labels))
      found.get_model_by_name(name)?.setv({axis_label: text});
    words(view);
    page.shown = view;
  }

  function labels() {
    for (const input of inputs) {
      const slider = setup.sliders[input.dataset.number], text = slider.texts[input.value];
      write("value-" + slider.name, text);
      input.setAttribute("aria-valuetext", text);
    }
  }

  function moved() {
    for (const input of inputs) position[input.dataset.number] = Number(input.value);
    labels();
    if (page.ready) ask();
  }

  function ask() {
    if (setup.views) {
      const number = position.reduce((sum, k, n) => sum * setup.sliders[n].texts.length + k, 0);
      show(stored(number));
    } else if (!page.busy) {
      page.busy = true;
      sent = [...position];
      asked().data = {position: sent};
    }
  }

  // Of a server: it is asked for a position, and answers with words; the columns come by themselves.
  // While one answer is waited for, positions between are left out.
  let sent = [...position];
  const asked = () => Bokeh.documents[0].get_model_by_name("asked");
  function listen() {
    const answer = Bokeh.documents[0].get_model_by_name("answer");
    const tell = () => {
      const view = JSON.parse(answer.data.text[0]);
      words(view);
      page.shown = view;
      page.busy = false;
      if (sent.some((k, n) => k !== position[n])) ask();
    };
    answer.change.connect(tell);
    tell();
  }

  for (const input of inputs) input.addEventListener("input", moved);
  document.getElementById("own")?.addEventListener("click", () => {
    for (const input of inputs) input.value = setup.sliders[input.dataset.number].own;
    moved();
  });
  document.getElementById("sliders")?.addEventListener("submit", event => event.preventDefault());
  labels();

  function start() {
    if (window.Bokeh === undefined || Bokeh.documents.length === 0) return setTimeout(start, 20);
    page.ready = true;
    if (setup.views) moved();
    else listen();
  }
  start();
})();
