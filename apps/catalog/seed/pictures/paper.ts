/** Pictures of the category "Log and paper". */
import { darken, lighten } from './sheet.ts';
import { circle, ellipse, group, line, material, path, rect, repeat, ring, rope, screw, shine } from './shapes.ts';
import { hanging, lying, standing, type Picture } from './stage.ts';

const anchor = (x: number, y: number, size: number, colour: string): string =>
  group(
    `translate(${x} ${y}) scale(${size})`,
    line(`${ring(0, -40, 9, 9)}M0-30V40M-22-16H22M-40 12C-34 48 34 48 40 12`, colour, 9),
    path('M-52 22L-40-2L-24 20zM52 22L40-2L24 20z', colour),
  );

const logBook = lying((sheet) => {
  const cloth = material.navy;
  return group(
    'rotate(-7 320 240)',
    rect(176, 62, 300, 366, darken(cloth, 0.35), 10),
    path('M186 74H474V420H186z', '#f4ecda'),
    repeat(4, (index) => line(`M470 ${80 + index * 2}V${416 - index}`, '#d8ccb0', 2)),
    rect(164, 54, 300, 366, sheet.across(darken(cloth, 0.3), lighten(cloth, 0.08), cloth), 10),
    rect(164, 54, 48, 366, sheet.across(darken(material.leather, 0.3), material.leather), 8),
    path(
      'M464 64V96L426 54H454C460 54 464 58 464 64zM464 410V378L426 420H454C460 420 464 416 464 410z',
      material.leather,
    ),
    rect(240, 98, 196, 268, 'none', 4, { stroke: material.brass, 'stroke-width': 3 }),
    anchor(338, 196, 1.15, material.brass),
    line('M278 292H398M296 318H380', material.brass, 6),
    path('M300 416H322V462L311 450L300 462z', material.red),
  );
});

const notebook = lying((sheet) => {
  const cover = '#e39a34';
  return group(
    'rotate(8 320 240)',
    rect(206, 92, 236, 326, '#f3f1e6', 12),
    rect(200, 84, 236, 326, sheet.lit(cover), 14),
    repeat(
      11,
      (index) =>
        rect(218 + index * 19, 74, 9, 30, darken(cover, 0.45), 4) +
        line(`M${222 + index * 19} 98V62`, material.iron, 6),
    ),
    rect(240, 158, 156, 84, '#fbf6e6', 6),
    line('M258 184H378M258 208H340', '#6d7480', 5),
    [
      [240, 300],
      [300, 350],
      [372, 310],
      [346, 378],
      [262, 372],
      [406, 262],
    ]
      .map(([x = 0, y = 0]) =>
        path(`M${x} ${y}c12 16 14 22 6 30a10 10 0 0 1-12 0c-8-8-6-14 6-30z`, '#ffffff', {
          opacity: 0.75,
        }),
      )
      .join(''),
    line('M408 108V404', darken(cover, 0.55), 9),
    group(
      'translate(462 120)',
      rect(0, 0, 22, 230, sheet.round('#2f6b5a')),
      path('M0 230h22l-11 34z', '#ecd2a4'),
      path('M7 252h8l-4 12z', '#333333'),
      rect(0, -18, 22, 20, material.steel),
    ),
  );
});

const pencils = lying((sheet) => {
  const pencil = (x: number, top: number, colour: string): string =>
    rect(x, top, 34, 236, sheet.across(darken(colour, 0.15), lighten(colour, 0.25), colour, darken(colour, 0.3))) +
    rect(x, top - 12, 34, 26, darken(colour, 0.45), 4) +
    path(`M${x} ${top + 236}h34l-17 64z`, '#ecd2a4') +
    path(`M${x + 11} ${top + 278}h12l-6 22z`, '#2c2f36') +
    line(`M${x + 17} ${top + 50}v44`, '#f5e6b8', 4);
  return group(
    'rotate(28 320 240)',
    pencil(186, 92, '#2f6b5a'),
    pencil(236, 76, '#2f6b5a'),
    pencil(286, 96, material.red),
    pencil(336, 80, material.navy),
    pencil(386, 100, material.navy),
    rect(176, 188, 256, 40, sheet.roll(material.leather), 6),
    circle(304, 208, 9, sheet.ball(material.brass)),
  );
});

const pen = lying(
  (sheet) =>
    line('M110 372C150 340 170 400 206 368S262 400 300 366', material.navy, 4) +
    group(
      'rotate(-34 330 230)',
      path('M96 230L150 210V250z', sheet.roll(material.steel)),
      rect(88, 226, 16, 8, '#4b5561', 4),
      path('M146 208H230V252H146C140 240 140 220 146 208z', sheet.roll(material.brass)),
      repeat(9, (index) => line(`M${158 + index * 8} 209v42`, darken(material.brass, 0.4), 2.5)),
      rect(228, 204, 300, 52, sheet.roll(material.brass), 5),
      rect(356, 202, 16, 56, sheet.roll(darken(material.brass, 0.15)), 3),
      rect(526, 214, 26, 32, sheet.roll(darken(material.brass, 0.1)), 8),
      rect(392, 194, 140, 15, sheet.roll(lighten(material.brass, 0.15)), 7),
      circle(402, 201, 10, sheet.ball(material.brass)),
      shine('M240 216H350', 6, 0.6),
    ),
);

const ink = standing(300, 140, (sheet) => {
  const glass = '#33507c';
  return (
    rect(182, 216, 236, 180, sheet.across(lighten(glass, 0.4), glass, darken(glass, 0.3), lighten(glass, 0.1)), 26) +
    path('M190 270H410V372C410 384 402 390 392 390H208C198 390 190 384 190 372z', sheet.down('#1c2a4a', '#0f1830')) +
    rect(214, 276, 172, 84, '#f6efdc', 4) +
    anchor(300, 314, 0.52, material.navy) +
    line('M232 350H368', material.brass, 3) +
    path('M250 218V188H350V218z', sheet.across(lighten(glass, 0.5), glass, darken(glass, 0.2))) +
    rect(236, 132, 128, 62, sheet.round('#2c2f36'), 10) +
    repeat(11, (index) => line(`M${248 + index * 10.5} 142V186`, '#4a4f59', 3)) +
    shine('M200 240V372', 9, 0.55) +
    path('M430 396C432 380 452 370 470 376C500 366 520 384 514 396C500 408 446 408 430 396z', '#16203c') +
    ellipse(466, 386, 16, 4, '#5a6c9a') +
    circle(540, 402, 7, '#16203c')
  );
});

const chartTube = lying((sheet) => {
  const tube = '#7a5a3c';
  return group(
    'rotate(-22 320 240)',
    path('M96 126L300 112C320 112 326 170 310 176L110 196z', '#f7f1de'),
    line('M120 150C160 134 200 170 250 142M130 176C180 160 220 176 290 156', '#7aa3b8', 3),
    rect(150, 196, 400, 96, sheet.roll(tube), 14),
    rect(526, 188, 46, 112, sheet.roll(darken(material.leather, 0.1)), 12),
    rect(118, 188, 58, 112, sheet.roll(material.leather), 12),
    line('M186 206V284M516 206V284', '#e8cfa4', 2.5, { 'stroke-dasharray': '9 6' }),
    line('M176 196C240 60 460 60 526 196', material.navy, 15),
    rect(330, 88, 44, 24, 'none', 4, { stroke: material.brass, 'stroke-width': 6 }),
    rect(296, 216, 110, 56, '#f1e6c6', 4),
    anchor(351, 246, 0.42, material.navy),
    shine('M196 214H290', 6, 0.3),
  );
});

const tideCalendar = hanging(
  (sheet) =>
    rope('M236 92L320 34L404 92', material.hemp, 7) +
    rect(170, 84, 300, 350, '#fdfaf0', 6) +
    rect(170, 84, 300, 140, sheet.down('#8fc0d4', '#3f7ea0'), 6) +
    circle(408, 128, 21, '#fff4d0') +
    path('M170 176C206 150 236 150 270 176S340 202 376 176S440 150 470 172V224H170z', '#2d6486') +
    path('M170 200C206 180 236 180 270 200S340 220 376 200S440 180 470 198V224H170z', '#1f4a68') +
    path('M268 118L312 178H268zM260 130V178H232z', '#fdfaf0') +
    path('M226 182H320L306 198H240z', material.red) +
    repeat(5, (row) =>
      repeat(7, (column) =>
        rect(190 + column * 38, 242 + row * 36, 30, 26, (row * 7 + column) % 7 > 4 ? '#dfe9ee' : '#efe9d8', 3),
      ),
    ) +
    line('M190 316C222 250 252 250 290 316S360 372 396 316S440 270 456 290', material.red, 4) +
    repeat(2, (index) => screw(sheet, 236 + index * 168, 94, 8, material.brass)) +
    path('M470 434L432 434L470 398z', '#d9cfb4'),
);

/** By slug. */
export const paperPictures: Readonly<Record<string, Picture>> = {
  'deck-log-book': logBook,
  'waterproof-pocket-notebook': notebook,
  'chart-pencils': pencils,
  'brass-bridge-pen': pen,
  'iron-gall-ink': ink,
  'chart-tube': chartTube,
  'tide-wall-calendar': tideCalendar,
};
