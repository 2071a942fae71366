/** Pictures of the category "Workshop". */
import { darken, lighten } from './sheet.ts';
import { circle, ellipse, group, line, material, path, rect, repeat, ring, rope, screw, shine } from './shapes.ts';
import { lying, standing, type Picture } from './stage.ts';

const riggingKnife = lying((sheet) =>
  group(
    'rotate(-18 320 240)',
    path('M330 214H540C556 214 562 262 536 266H330z', sheet.down('#e6ecf1', '#aeb9c4', '#8b97a4')),
    path('M330 254H540C540 262 538 265 534 266H330z', '#f7fafc'),
    rect(352, 220, 26, 4, '#6f7b88', 2),
    path('M330 284C400 290 450 306 496 330C460 330 390 318 322 304z', sheet.roll(material.steel)),
    path('M112 208H318C342 208 350 300 330 304H128C96 304 90 214 112 208z', sheet.roll(material.walnut)),
    rect(290, 207, 44, 98, sheet.roll(material.brass), 8),
    screw(sheet, 150, 256, 9, material.brass),
    screw(sheet, 230, 256, 9, material.brass),
    screw(sheet, 312, 240, 10, material.steel),
    line(ring(92, 256, 20, 24), material.steel, 8),
    rope('M76 264C30 300 60 370 120 350C170 330 190 390 250 380', material.navy, 14),
  ),
);

const mallet = standing(
  300,
  170,
  (sheet) =>
    rect(296, 196, 40, 196, sheet.round(material.ash), 12) +
    path('M298 206H334L340 388C336 398 296 398 292 388z', sheet.round(material.ash)) +
    rect(128, 112, 376, 104, sheet.roll(material.beech), 16) +
    [156, 226, 386, 456].map((x) => rect(x, 110, 22, 108, sheet.roll(material.iron), 4)).join('') +
    line('M196 150H216M260 186H372M270 140H360M414 170H446', darken(material.beech, 0.3), 3, {
      'stroke-opacity': 0.5,
    }) +
    rect(302, 102, 28, 14, darken(material.ash, 0.2), 3) +
    line('M316 104V114', darken(material.walnut, 0.3), 4) +
    repeat(4, (index) => line(`M294 ${330 + index * 12}h44`, material.leather, 8)),
);

const blockPlane = standing(
  320,
  215,
  (sheet) =>
    path(
      'M110 346H540V386C540 392 534 396 528 396H110C104 396 100 390 100 384V356C100 350 104 346 110 346z',
      sheet.roll(material.steel),
    ) +
    path('M122 346C122 306 160 300 196 302L262 318H400C470 318 520 322 530 346z', sheet.lit(material.iron)) +
    path('M254 330L452 218C462 214 472 228 464 234L300 346H246z', sheet.down('#dbe2e8', '#8e9aa6')) +
    path(
      'M276 318C300 268 360 236 424 206C470 186 492 214 466 240C420 276 350 300 306 340z',
      sheet.lit(material.walnut),
    ) +
    circle(380, 262, 20, sheet.ball(material.brass)) +
    line('M368 268l24-12', darken(material.brass, 0.5), 4) +
    path('M150 304C134 270 166 248 186 262C206 270 206 294 190 306z', sheet.ball(material.brass)) +
    line('M250 322C236 286 196 262 216 226C234 202 270 216 262 244C254 264 228 256 236 238', '#ecd2a4', 11) +
    line('M250 322C236 286 196 262 216 226C234 202 270 216 262 244C254 264 228 256 236 238', '#d6b27c', 2) +
    ellipse(470, 358, 30, 8, darken(material.steel, 0.3)) +
    shine('M124 354H510', 4),
);

const pullSaw = lying((sheet) =>
  group(
    'rotate(-16 320 240)',
    path('M262 222L588 186V292L262 262z', sheet.down('#e9eef2', '#b4bfc9', '#d5dde4')),
    path(`M588 290${repeat(32, () => 'l-3 7l-7.2-7.9')}z`, '#97a3af'),
    path(`M588 188${repeat(24, () => 'l-4-8l-9.6 9.5')}z`, '#97a3af'),
    path(
      'M40 222C36 216 46 212 60 214H250C268 216 276 224 276 242C276 262 268 270 250 270H60C46 272 36 268 40 262z',
      sheet.roll(material.ash),
    ),
    repeat(13, (index) =>
      line(`M${66 + index * 13} 214l12 56M${78 + index * 13} 214l-12 56`, darken(material.hemp, 0.15), 3),
    ),
    rect(246, 212, 24, 60, sheet.roll(material.red), 5),
    circle(548, 238, 8, '#7e8a96'),
    shine('M300 236L520 220', 5, 0.7),
  ),
);

const spannerSet = lying((sheet) => {
  const spanner = (x: number, length: number, width: number): string => {
    const top = 250 - length / 2;
    const foot = 250 + length / 2;
    return (
      rect(x - width * 0.36, top, width * 0.72, length, sheet.round(material.steel), 4) +
      rect(x - width * 0.14, top + width * 1.4, width * 0.28, length - width * 2.8, darken(material.steel, 0.22), 4) +
      circle(x, foot, width * 0.78, sheet.ball(material.steel)) +
      circle(x, foot, width * 0.42, '#ddd0bc', {
        stroke: darken(material.steel, 0.4),
        'stroke-width': 2,
      }) +
      path(
        `M${x - width * 0.36} ${top + width * 0.7}C${x - width * 1.25} ${top} ${x - width} ${top - width * 0.8} ${x - width * 0.52} ${top - width * 1.15}V${top - width * 0.15}L${x} ${top + width * 0.16}L${x + width * 0.52} ${top - width * 0.15}V${top - width * 1.15}C${x + width} ${top - width * 0.8} ${x + width * 1.25} ${top} ${x + width * 0.36} ${top + width * 0.7}z`,
        sheet.ball(material.steel),
      )
    );
  };
  return (
    spanner(128, 260, 42) +
    spanner(224, 226, 36) +
    spanner(310, 196, 31) +
    spanner(386, 168, 26) +
    spanner(454, 144, 22) +
    spanner(514, 122, 19)
  );
});

const chisel = lying((sheet) =>
  group(
    'rotate(-32 320 240)',
    path('M324 214H548L584 226V256L548 268H324z', sheet.roll(material.steel)),
    path('M548 214L584 226V256L548 268z', '#f1f5f8'),
    path('M270 228L330 214V268L270 254z', sheet.roll(darken(material.steel, 0.15))),
    path('M66 214C60 240 60 246 66 270C120 288 200 280 272 264V218C200 202 120 196 66 214z', sheet.roll('#c98f4f')),
    rect(252, 212, 26, 58, sheet.roll(material.brass), 4),
    rect(62, 208, 24, 68, sheet.roll(material.leather), 5),
    line('M110 226C160 218 200 222 240 228M110 262C160 268 200 262 240 256', darken('#c98f4f', 0.3), 2.5, {
      'stroke-opacity': 0.6,
    }),
    shine('M340 224H530', 5, 0.7),
  ),
);

const foldingRule = lying((sheet) => {
  const wood = '#e2bb62';
  const leg = (x: number, y: number, turn: number): string =>
    group(
      `translate(${x} ${y}) rotate(${turn})`,
      rect(-14, -22, 268, 44, sheet.roll(wood), 8),
      line(
        repeat(24, (index) => `M${6 + index * 10} -20v${index % 5 === 0 ? 20 : 11}`),
        '#4a3718',
        2,
      ),
      rect(-14, -22, 18, 44, sheet.roll(material.brass), 5),
      rect(236, -22, 18, 44, sheet.roll(material.brass), 5),
    );
  const joint = (x: number, y: number): string =>
    circle(x, y, 27, sheet.ball(material.brass)) + screw(sheet, x, y, 10, material.steel);
  return (
    leg(96, 396, -58) +
    leg(224, 186, 48) +
    leg(390, 372, -56) +
    joint(230, 180) +
    joint(392, 372) +
    circle(96, 396, 8, darken(material.brass, 0.3)) +
    circle(528, 170, 8, darken(material.brass, 0.3))
  );
});

const splicingFid = lying(
  (sheet) =>
    rope('M60 400C160 330 230 440 320 372C400 320 470 420 590 350', material.manila, 24) +
    group(
      'rotate(-26 320 200)',
      path('M150 176C250 160 400 172 560 204C400 234 250 248 150 232z', sheet.roll(material.steel)),
      path('M150 176C250 160 380 170 470 186C380 190 250 196 150 204z', '#ffffff', {
        opacity: 0.25,
      }),
      path(
        'M66 178C56 200 56 210 66 232C96 248 132 244 164 236V172C132 164 96 162 66 178z',
        sheet.roll(material.walnut),
      ),
      rect(152, 170, 18, 68, sheet.roll(material.brass), 4),
      line('M82 190C100 184 120 182 140 184', lighten(material.walnut, 0.4), 4, {
        'stroke-opacity': 0.6,
      }),
      circle(82, 206, 8, darken(material.walnut, 0.55)),
    ),
);

/** By slug. */
export const workshopPictures: Readonly<Record<string, Picture>> = {
  'sheepsfoot-rigging-knife': riggingKnife,
  'beech-caulking-mallet': mallet,
  'low-angle-block-plane': blockPlane,
  'fine-tooth-pull-saw': pullSaw,
  'combination-spanner-set': spannerSet,
  'shipwrights-chisel': chisel,
  'boxwood-folding-rule': foldingRule,
  'splicing-fid': splicingFid,
};
