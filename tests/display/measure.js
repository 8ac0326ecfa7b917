// Measures cards, or other parts of a page that a selector finds, and returns what is wrong with them, in words.
// `hidden`: a selector of texts that nobody is to see.
(selector, hidden) => {
  const wrong = [];
  const say = (what, node) => {
    const text = (node.textContent || node.nodeName).trim().slice(0, 40);
    if (wrong.length < 40) wrong.push(`${what}: ${text}`);
  };
  const parse = (color) => {
    const parts = color.match(/[\d.]+/g).map(Number);
    return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
  };
  const over = (top, alpha, below) => below.map((each, i) => top[i] * alpha + each * (1 - alpha));
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((each) => {
      const share = each / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const probe = document.createElement("div");
  probe.style.background = "Canvas";
  document.body.append(probe);
  const canvas = parse(getComputedStyle(probe).backgroundColor).rgb;
  probe.remove();

  // What is behind an element, and how much of it shines through the element's own paint.
  const behind = (element) => {
    const chain = [];
    for (let each = element; each; each = each.parentElement) chain.unshift(each);
    let back = canvas;
    let opacity = 1;
    for (const each of chain) {
      const style = getComputedStyle(each);
      opacity *= Number(style.opacity);
      const { rgb, alpha } = parse(style.backgroundColor);
      back = over(rgb, alpha * opacity, back);
    }
    return { back, opacity };
  };
  const inside = (inner, outer) =>
    inner.left >= outer.left - 1 && inner.right <= outer.right + 1 && inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
  const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);

  if (document.documentElement.scrollWidth > window.innerWidth) wrong.push("the page is wider than the window");
  const cards = document.querySelectorAll(selector);
  let texts = 0;
  for (const card of cards) {
    const walker = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const parent = node.parentElement;
      if (!node.data.trim() || parent.closest(hidden)) continue;
      if (!parent.checkVisibility() && parent.closest("details:not([open])")) continue; // shown when somebody opens it
      texts += 1;
      const range = document.createRange();
      range.selectNodeContents(node);
      const places = [...range.getClientRects()].filter((place) => place.width > 0 && place.height > 0);
      if (!places.length) { say("not visible", node); continue; }
      for (let each = parent; each !== card.parentElement; each = each.parentElement) {
        if (scrolls(each)) break;
        const frame = each.getBoundingClientRect();
        const clips = getComputedStyle(each).overflowX !== "visible" || each.classList.contains("wh-card");
        if (clips && places.some((place) => !inside(place, frame))) { say("clipped", node); break; }
      }
      const style = getComputedStyle(parent);
      const { back, opacity } = behind(parent);
      const { rgb, alpha } = parse(style.color);
      const ratio = contrast(over(rgb, alpha * opacity, back), back);
      if (ratio < 4.5) say(`contrast ${ratio.toFixed(2)}`, node);
      if (parseFloat(style.fontSize) < 11) say("small", node);
    }
    for (const element of card.matches(".wayhook") ? card.querySelectorAll("*") : []) {
      const place = element.getBoundingClientRect();
      if (element.closest("style") || !place.width) continue;
      let each = element.parentElement;
      while (each !== card && !scrolls(each)) each = each.parentElement;
      if (each === card && (place.right > card.getBoundingClientRect().right + 1 || place.left < card.getBoundingClientRect().left - 1))
        say(`<${element.nodeName}> is out of its card`, element);
    }
    for (const shape of card.querySelectorAll("svg .wh-solid, svg .wh-open")) {
      const style = getComputedStyle(shape);
      const ink = parse(shape.classList.contains("wh-open") ? style.stroke : style.fill).rgb;
      const ratio = contrast(ink, behind(shape.closest("svg").parentElement).back);
      if (ratio < 3) say(`a bar of contrast ${ratio.toFixed(2)}`, shape.closest(".wh-card"));
      if (shape.getBoundingClientRect().height < 1) say("a bar without height", shape.closest(".wh-card"));
    }
  }
  const scrolled = [...document.querySelectorAll(".wayhook .wh-scroll")].filter((each) => each.scrollWidth > each.clientWidth + 1);
  return { cards: cards.length, texts, wrong, scrolled: scrolled.map((each) => each.textContent.slice(0, 60)) };
}
