
// The decoder, alive: the steps that torch traced, taken on typed arrays by a worker.
(() => {
  const figure = document.querySelector("figure.decoder");
  if (!figure) return;
  const { program, shape, codes, sliders, steps, draws } = JSON.parse(figure.querySelector(".data").textContent);
  const [channels, height, width] = shape;

  // Everything within runs in the worker, which knows nothing of the page.
  const work = () => {
    let program, weights;
    const MAPS = {
      clamp: (x, low, high) => Math.min(high ?? Infinity, Math.max(low ?? -Infinity, x)),
      elu: (x, a = 1, scale = 1, input = 1) => scale * (x > 0 ? x : a * Math.expm1(input * x)),
      exp: (x) => Math.exp(x),
      gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
      hardtanh: (x, low = -1, high = 1) => Math.min(high, Math.max(low, x)),
      leaky_relu: (x, slope = 0.01) => (x > 0 ? x : slope * x),
      relu: (x) => (x > 0 ? x : 0),
      sigmoid: (x) => 1 / (1 + Math.exp(-x)),
      silu: (x) => x / (1 + Math.exp(-x)),
      softplus: (x, beta = 1, most = 20) => (x * beta > most ? x : Math.log1p(Math.exp(x * beta)) / beta),
      tanh: (x) => Math.tanh(x),
    };
    const BINARY = { add: (x, y) => x + y, sub: (x, y) => x - y, mul: (x, y) => x * y, div: (x, y) => x / y };
    const erf = (x) => { // Abramowitz and Stegun 7.1.26: to 1.5e-7
      const t = 1 / (1 + 0.3275911 * Math.abs(x));
      const sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
      return Math.sign(x) * (1 - sum * Math.exp(-x * x));
    };
    const half = (bits) => {
      const sign = bits >> 15 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
      return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : fraction * 2 ** -24);
    };
    const kept = (where) => where && weights.subarray(where[0], where[0] + where[1]);
    const size = (shape) => shape.reduce((product, side) => product * side, 1);
    // Outputs o of a row or column with first <= o < end have an input at o * stride + shift.
    const span = (shift, stride, inputs, outputs) =>
      [Math.max(0, Math.ceil(-shift / stride)), Math.min(outputs, Math.floor((inputs - 1 - shift) / stride) + 1)];

    const DO = {
      linear({ w, b }, out, x) {
        const matrix = kept(w), bias = kept(b), n = x.data.length;
        for (let o = 0; o < out.length; o++) {
          let sum = bias ? bias[o] : 0;
          for (let i = 0, at = o * n; i < n; i++) sum += matrix[at + i] * x.data[i];
          out[o] = sum;
        }
      },
      // A convolution gathers inputs for each output; transposed, the same walk scatters each input over the outputs.
      convolution(step, out, x) {
        walk(step, out, step.shape, x.data, x.shape, false);
      },
      transposed(step, out, x) {
        walk(step, out, step.shape, x.data, x.shape, true);
      },
      affine({ w, b }, out, x) {
        const scale = kept(w), shift = kept(b), area = out.length / scale.length;
        for (let i = 0; i < out.length; i++) out[i] = x.data[i] * scale[(i / area) | 0] + shift[(i / area) | 0];
      },
      group_norm({ w, b, groups, epsilon }, out, x) {
        const scale = kept(w), shift = kept(b), n = out.length / groups, area = out.length / x.shape[0];
        for (let g = 0; g < groups; g++) {
          let sum = 0, square = 0;
          for (let i = g * n; i < (g + 1) * n; i++) sum += x.data[i];
          for (let i = g * n; i < (g + 1) * n; i++) square += (x.data[i] - sum / n) ** 2;
          const by = 1 / Math.sqrt(square / n + epsilon);
          for (let i = g * n; i < (g + 1) * n; i++) {
            const channel = (i / area) | 0;
            out[i] = (x.data[i] - sum / n) * by * (scale ? scale[channel] : 1) + (shift ? shift[channel] : 0);
          }
        }
      },
      map({ of, by }, out, x) {
        const f = MAPS[of], given = by.map((value) => value ?? undefined);
        for (let i = 0; i < out.length; i++) out[i] = f(x.data[i], ...given);
      },
      mean(step, out, x) {
        const area = x.data.length / out.length;
        for (let c = 0; c < out.length; c++) {
          let sum = 0;
          for (let i = c * area; i < (c + 1) * area; i++) sum += x.data[i];
          out[c] = sum / area;
        }
      },
      pixel_shuffle({ shape: [C, H, W], factor }, out, x) {
        for (let c = 0, at = 0; c < C; c++)
          for (let y = 0; y < H; y++)
            for (let q = 0; q < W; q++) {
              const channel = (c * factor + (y % factor)) * factor + (q % factor);
              out[at++] = x.data[(channel * x.shape[1] + ((y / factor) | 0)) * x.shape[2] + ((q / factor) | 0)];
            }
      },
      nearest(step, out, x) {
        const [C, H, W] = x.shape, [, OH, OW] = step.shape;
        for (let c = 0, at = 0; c < C; c++)
          for (let y = 0; y < OH; y++)
            for (let q = 0; q < OW; q++)
              out[at++] = x.data[(c * H + Math.floor((y * H) / OH)) * W + Math.floor((q * W) / OW)];
      },
      bilinear({ shape, corners }, out, x) {
        const [C, H, W] = x.shape, [, OH, OW] = shape;
        const place = (o, inputs, outputs) => {
          const at = corners ? (outputs > 1 ? (o * (inputs - 1)) / (outputs - 1) : 0)
            : Math.max(0, ((o + 0.5) * inputs) / outputs - 0.5);
          const low = Math.min(inputs - 1, Math.floor(at));
          return [low, Math.min(inputs - 1, low + 1), at - low];
        };
        for (let c = 0, n = 0; c < C; c++)
          for (let y = 0; y < OH; y++) {
            const [top, bottom, v] = place(y, H, OH);
            for (let q = 0; q < OW; q++) {
              const [left, right, u] = place(q, W, OW);
              const row = (r) => x.data[(c * H + r) * W + left] * (1 - u) + x.data[(c * H + r) * W + right] * u;
              out[n++] = row(top) * (1 - v) + row(bottom) * v;
            }
          }
      },
    };

    function walk({ w, b, stride, padding, dilation, groups, kernel }, out, [O, OH, OW], x, [I, H, W], scatters) {
      const matrix = kept(w), bias = kept(b), [KH, KW] = kernel;
      if (bias) for (let o = 0; o < O; o++) out.fill(bias[o], o * OH * OW, (o + 1) * OH * OW);
      // One side is the fine grid, at place * stride - padding + tap * dilation of the coarse one.
      const [CH, CW, FH, FW] = scatters ? [H, W, OH, OW] : [OH, OW, H, W];
      const perIn = I / groups, perOut = O / groups;
      for (let i = 0; i < I; i++) {
        const group = (i / perIn) | 0;
        for (let p = 0; p < perOut; p++) {
          const o = group * perOut + p;
          const base = (scatters ? i * perOut + p : o * perIn + (i - group * perIn)) * KH * KW;
          for (let ky = 0; ky < KH; ky++) {
            const sy = ky * dilation[0] - padding[0], [top, bottom] = span(sy, stride[0], FH, CH);
            for (let kx = 0; kx < KW; kx++) {
              const sx = kx * dilation[1] - padding[1], [left, right] = span(sx, stride[1], FW, CW);
              const weight = matrix[base + ky * KW + kx], step = stride[1];
              for (let y = top; y < bottom; y++) {
                const fine = y * stride[0] + sy;
                if (scatters) {
                  let from = (i * H + y) * W + left, to = (o * OH + fine) * OW + left * step + sx;
                  for (const end = (i * H + y) * W + right; from < end; from++, to += step) out[to] += weight * x[from];
                } else {
                  let to = (o * OH + y) * OW + left, from = (i * H + fine) * W + left * step + sx;
                  for (const end = (o * OH + y) * OW + right; to < end; to++, from += step) out[to] += weight * x[from];
                }
              }
            }
          }
        }
      }
    }

    const operand = (side, values, area) => {
      if ("number" in side) return () => side.number;
      const data = "w" in side ? kept(side.w) : values[side.value];
      if (side.per === "one") return () => data[0];
      return side.per === "channel" ? (i) => data[(i / area) | 0] : (i) => data[i];
    };

    const decode = (z) => {
      const values = [z];
      for (const step of program) {
        const out = new Float32Array(size(step.shape));
        if (step.do in BINARY) {
          const f = BINARY[step.do], area = out.length / step.shape[0];
          const x = operand(step.x, values, area), y = operand(step.y, values, area);
          for (let i = 0; i < out.length; i++) out[i] = f(x(i), y(i));
        } else {
          // What only changes shape is no step: the step says the shape in which it takes its input.
          DO[step.do](step, out, { data: values[step.x], shape: step.from });
        }
        values.push(out);
      }
      return values.at(-1);
    };

    onmessage = ({ data }) => {
      if (data.program) {
        program = data.program;
        const bits = new Uint16Array(data.weights);
        weights = Float32Array.from(bits, half);
      } else {
        const started = performance.now();
        postMessage({ pixels: decode(data.z), took: performance.now() - started });
      }
    };
  };

  const blob = new Blob([`(${work})()`], { type: "text/javascript" });
  const worker = new Worker(URL.createObjectURL(blob));
  const packed = atob(figure.querySelector(".weights").textContent);
  const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
  worker.postMessage({ program, weights: bytes.buffer });

  const canvas = figure.querySelector("canvas");
  Object.assign(canvas, { width, height });
  const picture = canvas.getContext("2d");
  const told = figure.querySelector(".stand output");
  let busy = false, wanted = null;
  const ask = (z) => {
    wanted = z;
    if (busy) return; // only the last of many movements is decoded
    busy = true;
    worker.postMessage({ z: Float32Array.from(wanted) });
    wanted = null;
  };
  worker.onmessage = ({ data: { pixels, took } }) => {
    const image = picture.createImageData(width, height), area = width * height;
    for (let i = 0; i < area; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = 255 * pixels[(channels === 3 ? c : 0) * area + i];
      image.data[4 * i + 3] = 255;
    }
    picture.putImageData(image, 0, 0);
    told.textContent = `decoded in ${took.toFixed(0)} ms`;
    busy = false;
    if (wanted) ask(wanted);
    else canvas.dispatchEvent(new Event("decoded", { bubbles: true }));
  };

  let base = codes[0];
  const range = (label, step) => {
    const line = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "range", min: -4, max: 4, step: 0.1, value: 0 });
    const value = Object.assign(document.createElement("output"), { textContent: "0" });
    line.append(`${label} `, input, value);
    figure.querySelector(".sliders").append(line);
    input.addEventListener("input", show);
    return { input, value, step };
  };
  const show = () => {
    const z = [...base];
    for (const { input, value, step } of dials) {
      value.textContent = input.value.replace("-", "−");
      if (Number(input.value)) step.forEach((part, d) => (z[d] += Number(input.value) * part));
    }
    ask(z);
  };
  const dials = sliders.map((label, i) => range(label, steps[i]));
  const start = (code) => {
    base = code;
    for (const { input } of dials) input.value = 0;
    show();
  };
  const mix = [...figure.querySelectorAll(".mix")];
  const temperature = figure.querySelector(".temperature");
  let drawn = -1;
  const draw = () => {
    drawn = (drawn + 1) % draws[0].length;
    const [still, whole] = draws.map((ends) => ends[drawn]); // at temperatures 0 and 1
    return still.map((at, d) => at + temperature.value * (whole[d] - at));
  };
  figure.querySelectorAll(".starts button").forEach((button, i) => button.addEventListener("click", () => start(codes[i])));
  figure.querySelector(".draw").addEventListener("click", () => start(draw()));
  figure.querySelector(".reset").addEventListener("click", () => start(base));
  temperature.addEventListener("input", () => (temperature.nextElementSibling.textContent = temperature.value));
  mix.forEach((input) => input.addEventListener("input", () => {
    const [across, down] = mix.map((dial) => Number(dial.value));
    const [a, b, c, d] = [0, 1, 2, 3].map((i) => codes[i % codes.length]);
    start(a.map((_, k) => (1 - down) * ((1 - across) * a[k] + across * b[k]) + down * ((1 - across) * c[k] + across * d[k])));
  }));
  figure.hidden = false;
  figure.parentElement.querySelector(".needs-script").hidden = true;
  show();
})();
