import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { init, use, type ECElementEvent, type EChartsType } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { onBeforeUnmount, onMounted, watch, type Ref } from 'vue'
import { dark } from '@shared/theme'
import { locale } from '../state/app'

use([GridComponent, TooltipComponent, LegendComponent, CanvasRenderer])

type Part = Record<string, unknown>
/** What a chart has of its own; the rest is as on all others. */
interface Own { grid: Part; legend: Part; tooltip?: Part; names: string[]; yAxis: Part; series: Part[] }

/** A colour or a font of the theme, as it is now. */
export const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** A chart over time in a box: as wide as its place, in the theme's colours, drawn again when what it shows, the theme or the language changes. */
export function useChart(box: Ref<HTMLElement | undefined>, shown: () => unknown, own: () => Own, clicked?: (at: ECElementEvent) => void) {
  let chart: EChartsType | null = null
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches

  function draw(): void {
    const label = { color: token('--bk-text-3') }
    const { grid, legend, tooltip, names, yAxis, series } = own()
    chart?.setOption({
      animation: !still,
      animationDuration: 180,
      textStyle: { fontFamily: token('--bk-font') },
      grid: { bottom: 24, ...grid },
      legend: { top: 0, textStyle: { color: token('--bk-text-2') }, ...legend },
      tooltip: { trigger: 'axis', backgroundColor: token('--bk-raised'), borderColor: token('--bk-line'), textStyle: { color: token('--bk-text'), fontSize: 13 }, ...tooltip },
      xAxis: { type: 'category', data: names, axisTick: { show: false }, axisLine: { lineStyle: { color: token('--bk-line-strong') } }, axisLabel: label },
      yAxis: { type: 'value', splitLine: { lineStyle: { color: token('--bk-line') } }, ...yAxis, axisLabel: { ...label, ...(yAxis.axisLabel as Part | undefined) } },
      series,
    })
  }
  const observer = new ResizeObserver(() => chart?.resize())
  onMounted(() => {
    if (!box.value) return
    chart = init(box.value)
    if (clicked) chart.on('click', clicked)
    observer.observe(box.value)
    draw()
  })
  watch(() => [shown(), dark.value, locale.value], () => setTimeout(draw))
  onBeforeUnmount(() => {
    observer.disconnect()
    chart?.dispose()
  })

  /** The chart as a picture, on the page's own ground. */
  const picture = (): string | undefined => chart?.getDataURL({ type: 'png', pixelRatio: 2, backgroundColor: token('--bk-surface') })
  return { picture }
}
