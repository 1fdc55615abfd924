// Progress bars per division against today's target. Canvas, and tooltips drawn in it: the content policy allows no inline style.
import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

echarts.use([BarChart, LineChart, AriaComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

interface Chart {
  /** Over time, labels along the bottom; bars otherwise. */
  kind?: "line";
  labels: string[];
  links: string[];
  series: { name: string; values: (number | null)[] }[];
  unit: string;
  target: { value: number; name: string } | null;
}

const BLUE = ["#1d5b99", "#8fb0d0"];

export function draw(box: HTMLElement): void {
  const source = document.getElementById(box.dataset["chart"]!);
  if (!source?.textContent) return;
  const data = JSON.parse(source.textContent) as Chart;
  const font = parseFloat(getComputedStyle(document.body).fontSize);
  const row = font * (data.series.length > 1 ? 2.4 : 1.9);
  if (data.kind === "line") {
    drawLines(box, data, font);
    return;
  }
  // A name stands whole, on a second line where it is long.
  const longest = Math.min(Math.max(...data.labels.map((label) => label.length)) + 0.5, box.clientWidth < 420 ? 6 : 10);
  box.style.height = `${Math.round(Math.max(data.labels.length, 2) * row + font * 6)}px`;
  const chart = echarts.init(box, null, { renderer: "canvas" });
  const text = { fontSize: font, fontFamily: getComputedStyle(document.body).fontFamily, color: "#1f2730" };
  chart.setOption({
    animation: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
    animationDuration: 300,
    textStyle: text,
    color: BLUE,
    grid: { left: 8, right: font * 4, top: font * 4, bottom: 8, containLabel: true },
    legend: { top: 0, left: 0, itemWidth: font, itemHeight: font * 0.8, textStyle: text, selectedMode: false },
    tooltip: { trigger: "axis", renderMode: "richText", axisPointer: { type: "shadow" }, valueFormatter: (value: unknown) => `${String(value)}${data.unit}` },
    xAxis: { type: "value", min: 0, max: 100, axisLabel: { ...text, formatter: `{value}${data.unit}`, hideOverlap: true }, splitNumber: box.clientWidth < 420 ? 2 : 5, splitLine: { lineStyle: { color: "#e3e8ec" } } },
    yAxis: { type: "category", inverse: true, data: data.labels, axisTick: { show: false }, axisLabel: { ...text, width: font * longest, overflow: "break", lineHeight: font * 1.1 } },
    series: data.series.map((series, index) => ({
      type: "bar",
      name: series.name,
      data: series.values,
      barGap: "10%",
      barCategoryGap: "28%",
      label: { show: true, position: "right", formatter: `{c}${data.unit}`, ...text, fontSize: font * 0.85 },
      markLine:
        index === 0 && data.target
          ? {
              silent: true,
              symbol: "none",
              lineStyle: { color: "#a8201a", width: 2, type: "dashed" },
              label: { formatter: data.target.name, position: "start", ...text, color: "#a8201a", distance: 4 },
              data: [{ xAxis: data.target.value }],
            }
          : undefined,
    })),
  });
  chart.on("click", (event) => {
    const link = data.links[event.dataIndex];
    if (link) window.location.assign(link);
  });
  new ResizeObserver(() => chart.resize()).observe(box);
}

/** Each series with a scale of its own: counts per thousand and per cent have nothing in common. */
function drawLines(box: HTMLElement, data: Chart, font: number): void {
  box.style.height = `${Math.round(font * 18)}px`;
  const chart = echarts.init(box, null, { renderer: "canvas" });
  const text = { fontSize: font, fontFamily: getComputedStyle(document.body).fontFamily, color: "#1f2730" };
  chart.setOption({
    animation: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
    animationDuration: 300,
    textStyle: text,
    color: BLUE,
    grid: { left: 8, right: 8, top: font * 3.5, bottom: 8, containLabel: true },
    legend: { top: 0, left: 0, textStyle: text, selectedMode: false },
    tooltip: { trigger: "axis", renderMode: "richText" },
    xAxis: { type: "category", data: data.labels, axisLabel: text },
    yAxis: data.series.map((_series, index) => ({ type: "value", min: 0, position: index === 0 ? "left" : "right", axisLabel: text, splitLine: { show: index === 0, lineStyle: { color: "#e3e8ec" } } })),
    series: data.series.map((series, index) => ({
      type: "line",
      name: series.name,
      data: series.values,
      yAxisIndex: index,
      symbolSize: font * 0.6,
      lineStyle: { width: 3, type: index === 0 ? "solid" : "dashed" },
    })),
  });
  new ResizeObserver(() => chart.resize()).observe(box);
}
